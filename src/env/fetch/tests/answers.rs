//! Answers that are not the archive: refused within bounds, each with a message of its own.

use dhtl_test_kit::Reply;

use super::*;

fn refused(reply: impl Fn() -> Reply + Send + Sync + 'static) -> FetchError {
    let server = FaultServer::serve(move |_| reply());
    let bench = Bench::new();
    let error = bench.fetch(&archive(&server, &body())).unwrap_err();
    assert_eq!(
        bench.kept(),
        BTreeMap::new(),
        "something is left after: {error}"
    );
    error
}

#[test]
fn row_25_a_mismatch_is_final() {
    let mut other = body();
    other[1234] ^= 1;
    let got = digest(&other);
    let server = FaultServer::serve(move |_| Reply::ok(other.clone()));
    let bench = Bench::new();
    let archive = archive_at(&server.url("/a.whl?token=seeded"), &body());
    let error = bench.fetch(&archive).unwrap_err();
    assert_eq!(server.requests().len(), 1);
    assert_eq!(bench.kept(), BTreeMap::new());
    let text = error.to_string();
    for part in [
        &server.url("/a.whl"),
        &digest(&body()).to_string(),
        &got.to_string(),
    ] {
        assert!(text.contains(part.as_str()), "{text}");
    }
    assert!(!text.contains("seeded"));
}

#[test]
fn row_25_without_a_digest_the_computed_one_is_returned() {
    let server = FaultServer::serve(|_| Reply::ok(body()));
    let bench = Bench::new();
    let archive = Archive {
        sha256: None,
        also: Vec::new(),
        size: None,
        ..archive(&server, &body())
    };
    assert_eq!(
        bench.fetch_all_of(&archive, &body()).sha256,
        digest(&body())
    );
}

#[test]
fn input_47_a_login_page_is_told_from_an_archive() {
    let page = || Reply::ok("<html>Log in").header("Content-Type", "text/html; charset=utf-8");
    let error = refused(page);
    assert!(
        matches!(error, FetchError::Size { page: true, .. }),
        "{error}"
    );
    assert!(error.advice().unwrap().contains("login page"));
}

#[test]
fn input_47_wrong_lengths_are_refused_before_the_body() {
    for length in ["299999", "300001", "99999999999999999999", "-1", "many"] {
        let error = refused(move || Reply::ok(body()).announcing(length).then_close());
        let expected = match length {
            "299999" | "300001" => matches!(error, FetchError::Size { .. }),
            _ => matches!(error, FetchError::Interrupted { .. }),
        };
        assert!(expected, "{length}: {}", chain(&error));
    }
}

#[test]
fn input_47_a_short_body_is_refused() {
    let server = FaultServer::serve(|_| Reply::ok(body()).cut(1000).unannounced());
    let error = Bench::new().fetch(&archive(&server, &body())).unwrap_err();
    assert!(
        matches!(error, FetchError::Interrupted { received: 1000, .. }),
        "{error}"
    );
    assert!(chain(&error).contains("ended before byte 300000"));
}

#[test]
fn input_47_an_endless_body_is_cut_off() {
    let error = refused(|| Reply::ok(vec![7; 4096]).endless());
    assert!(matches!(error, FetchError::Size { .. }), "{error}");
    let server = FaultServer::serve(|_| Reply::ok(vec![7; 4096]).endless());
    let bench = Bench::with(FetchSettings {
        largest: 100_000,
        ..quick()
    });
    let archive = Archive {
        size: None,
        ..archive(&server, &body())
    };
    let error = bench.fetch(&archive).unwrap_err();
    assert!(
        matches!(error, FetchError::TooLarge { limit: 100_000, .. }),
        "{error}"
    );
    assert_eq!(bench.kept(), BTreeMap::new());
}

#[test]
fn input_47_a_hundred_thousand_headers_are_refused() {
    let reply = (0..100_000).fold(Reply::ok(body()).then_close(), |reply, number| {
        reply.header(&format!("X-{number}"), "x")
    });
    let error = refused(move || reply.clone());
    assert!(
        matches!(error, FetchError::Interrupted { .. }),
        "{}",
        chain(&error)
    );
}

#[test]
fn input_48_each_status_has_its_own_message() {
    let mut messages = std::collections::BTreeSet::new();
    for status in [401, 403, 404, 407, 410, 416, 418] {
        let server = FaultServer::serve(move |_| Reply::status(status));
        let bench = Bench::new();
        let error = bench.fetch(&archive(&server, &body())).unwrap_err();
        assert_eq!(server.requests().len(), 1, "{status} is not tried again");
        let text = error.to_string();
        assert!(text.contains(&format!("tatus {status}")), "{text}");
        let message = text.replace(&server.url(""), "");
        assert!(messages.insert(message), "{text}");
        let known = !matches!(status, 416 | 418);
        assert_eq!(error.advice().is_some(), known, "{status}");
    }
}

#[test]
fn input_50_bytes_are_hashed_as_stored() {
    // Bytes that say they are compressed are neither decoded nor asked for.
    let server = FaultServer::serve(|_| {
        Reply::ok(body())
            .header("Content-Encoding", "gzip")
            .header("Content-Disposition", "attachment; filename=\"../../x\"")
    });
    let bench = Bench::new();
    bench.fetch_all_of(&archive(&server, &body()), &body());
    let requests = server.requests();
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
    let agent = requests[0].header("user-agent").unwrap();
    assert_eq!(agent, concat!("dhtl/", env!("CARGO_PKG_VERSION")));
    assert_eq!(std::fs::read_dir(bench.folder.path()).unwrap().count(), 1);
}
