//! Faults on the way (promise 26): tried again within bounds, resumed, never corrupt.

use std::time::Instant;

use dhtl_test_kit::Reply;

use super::*;

const TAG: &str = "\"v1\"";

#[test]
fn row_26_server_errors_are_tried_again() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0 | 1 => Reply::status(500),
        _ => Reply::ok(body()),
    });
    let bench = Bench::new();
    bench.fetch_all_of(&archive(&server, &body()), &body());
    assert_eq!(server.requests().len(), 3);
    assert_eq!(bench.retries().len(), 2);
}

#[test]
fn row_26_tries_are_bounded() {
    let server = FaultServer::serve(|_| Reply::status(503));
    let bench = Bench::new();
    let error = bench.fetch(&archive(&server, &body())).unwrap_err();
    assert!(
        matches!(error, FetchError::Server { status: 503, .. }),
        "{error}"
    );
    assert_eq!(server.requests().len(), 4);
    assert_eq!(bench.kept(), BTreeMap::new());
}

#[test]
fn row_26_retry_after_is_honoured() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0 => Reply::status(429).header("Retry-After", "1"),
        _ => Reply::ok(body()),
    });
    let bench = Bench::new();
    let start = Instant::now();
    bench.fetch_all_of(&archive(&server, &body()), &body());
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(bench.retries()[0].1, Duration::from_secs(1));
}

#[test]
fn input_48_retry_after_has_a_limit() {
    let server = FaultServer::serve(|_| Reply::status(429).header("Retry-After", "99999"));
    let bench = Bench::new();
    let error = bench.fetch(&archive(&server, &body())).unwrap_err();
    assert!(
        matches!(error, FetchError::TooManyRequests { .. }),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn row_26_a_reset_transfer_goes_on_where_it_stopped() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0 => Reply::file(asked, &body(), TAG).cut(100_000).then_reset(),
        1 => Reply::file(asked, &body(), TAG).cut(50_000).then_close(),
        _ => Reply::file(asked, &body(), TAG),
    });
    let bench = Bench::new();
    bench.fetch_all_of(&archive(&server, &body()), &body());
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].header("range"), None);
    assert_eq!(requests[1].header("if-range"), Some(TAG));
    assert_eq!(requests[2].header("range"), Some("bytes=150000-"));
}

#[test]
fn row_26_a_later_run_goes_on_as_well() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0..4 => Reply::file(asked, &body(), TAG).cut(10_000).then_close(),
        _ => Reply::file(asked, &body(), TAG),
    });
    let bench = Bench::new();
    let archive = archive(&server, &body());
    let error = bench.fetch(&archive).unwrap_err();
    assert!(
        matches!(
            error,
            FetchError::Interrupted {
                received: 40_000,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(bench.kept().len(), 2);
    let later = Fetcher::new(quick(), bench.downloads());
    later.fetch(&archive, &Quiet).unwrap();
    assert_eq!(server.requests()[4].header("range"), Some("bytes=40000-"));
    bench.fetch_all_of(&archive, &body());
}

#[test]
fn row_26_damaged_bytes_of_an_earlier_run_are_fetched_anew() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0..4 => Reply::file(asked, &body(), TAG).cut(10_000).then_close(),
        _ => Reply::file(asked, &body(), TAG),
    });
    let bench = Bench::new();
    let archive = archive(&server, &body());
    bench.fetch(&archive).unwrap_err();
    let part = bench.downloads().join(format!("{}.part", digest(&body())));
    std::fs::write(&part, vec![0; 40_000]).unwrap();
    bench.fetch_all_of(&archive, &body());
}

#[test]
fn input_49_another_version_starts_from_zero() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0 => Reply::file(asked, &[9; 300_000], "\"old\"")
            .cut(100_000)
            .then_close(),
        // A server that ignores `If-Range` and sends a part of another version.
        1 => Reply::status(206)
            .body(&body()[100_000..])
            .header("ETag", TAG)
            .header("Content-Range", "bytes 100000-299999/300000"),
        _ => Reply::file(asked, &body(), TAG),
    });
    let bench = Bench::new();
    bench.fetch_all_of(&archive(&server, &body()), &body());
    assert_eq!(server.requests()[2].header("range"), None);
}

#[test]
fn input_49_a_range_that_was_not_asked_for_starts_from_zero() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0 => Reply::file(asked, &body(), TAG).cut(100_000).then_close(),
        1 => Reply::status(206)
            .body(&body()[200_000..])
            .header("ETag", TAG)
            .header("Content-Range", "bytes 200000-299999/300000"),
        _ => Reply::file(asked, &body(), TAG),
    });
    let bench = Bench::new();
    bench.fetch_all_of(&archive(&server, &body()), &body());
}

#[test]
fn input_49_the_whole_in_place_of_a_part_is_taken() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0 => Reply::file(asked, &body(), TAG).cut(100_000).then_close(),
        _ => Reply::ok(body()).header("ETag", TAG),
    });
    let bench = Bench::new();
    bench.fetch_all_of(&archive(&server, &body()), &body());
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn input_49_a_part_in_place_of_the_whole_is_refused() {
    let server = FaultServer::serve(|_| {
        Reply::status(206)
            .body(body())
            .header("Content-Range", "bytes 0-299999/300000")
    });
    let error = Bench::new().fetch(&archive(&server, &body())).unwrap_err();
    assert!(
        matches!(error, FetchError::Status { status: 206, .. }),
        "{error}"
    );
}

#[test]
fn input_48_a_refused_range_starts_from_zero() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0 => Reply::file(asked, &body(), TAG).cut(100_000).then_close(),
        1 => Reply::status(416),
        _ => Reply::file(asked, &body(), TAG),
    });
    Bench::new().fetch_all_of(&archive(&server, &body()), &body());
}

fn without_validator(asked: &dhtl_test_kit::Asked, first: &[u8]) -> Reply {
    let weak = |reply: Reply| reply.header("ETag", "W/\"weak\"");
    match (asked.earlier, asked.range_start()) {
        (0, _) => weak(Reply::ok(first)).cut(100_000).then_close(),
        (_, Some(start)) => weak(Reply::status(206))
            .body(&body()[start..])
            .header("Content-Range", &format!("bytes {start}-299999/300000")),
        (_, None) => weak(Reply::ok(body())),
    }
}

#[test]
fn row_26_without_a_validator_the_digest_decides() {
    let server = FaultServer::serve(|asked| without_validator(asked, &body()));
    Bench::new().fetch_all_of(&archive(&server, &body()), &body());
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].header("range"), Some("bytes=100000-"));
    assert_eq!(requests[1].header("if-range"), None);
}

#[test]
fn row_26_parts_that_do_not_fit_are_fetched_anew_once() {
    let server = FaultServer::serve(|asked| without_validator(asked, &[9; 300_000]));
    Bench::new().fetch_all_of(&archive(&server, &body()), &body());
    assert_eq!(server.requests().len(), 3);

    let wrong = FaultServer::serve(|asked| without_validator(asked, &body()));
    let bench = Bench::new();
    let mut archive = archive(&wrong, &body());
    archive.sha256 = Some(Sha256([5; 32]));
    let error = bench.fetch(&archive).unwrap_err();
    assert!(matches!(error, FetchError::Hash { .. }), "{error}");
    assert_eq!(wrong.requests().len(), 3);
    assert_eq!(bench.kept(), BTreeMap::new());
}

#[test]
fn row_26_without_validator_and_digest_nothing_is_resumed() {
    let server = FaultServer::serve(|asked| without_validator(asked, &body()));
    let mut archive = archive(&server, &body());
    archive.sha256 = None;
    Bench::new().fetch_all_of(&archive, &body());
    assert_eq!(server.requests()[1].header("range"), None);
}

#[test]
fn row_26_a_stall_ends_and_is_resumed() {
    let server = FaultServer::serve(|asked| match asked.earlier {
        0 => Reply::file(asked, &body(), TAG).cut(100_000).then_stall(),
        _ => Reply::file(asked, &body(), TAG),
    });
    let bench = Bench::with(impatient());
    let start = Instant::now();
    bench.fetch_all_of(&archive(&server, &body()), &body());
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(server.requests()[1].header("range"), Some("bytes=100000-"));
}

#[test]
fn input_47_a_trickle_is_given_up() {
    let server = FaultServer::serve(|_| Reply::ok(body()).trickle(Duration::from_millis(20)));
    let bench = Bench::with(FetchSettings {
        tries: 1,
        slowest: 1000,
        ..impatient()
    });
    let start = Instant::now();
    let error = bench.fetch(&archive(&server, &body())).unwrap_err();
    assert!(matches!(error, FetchError::Stalled { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn input_48_a_host_that_does_not_answer_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    let bench = Bench::new();
    let error = bench.fetch(&archive_at(&url, b"x")).unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }), "{error}");
    assert_eq!(bench.retries().len(), 3);
}

#[test]
fn input_48_a_host_that_does_not_exist_is_named() {
    let bench = Bench::new();
    let error = bench
        .fetch(&archive_at("http://host.invalid/x", b"x"))
        .unwrap_err();
    assert!(matches!(error, FetchError::Dns { .. }), "{}", chain(&error));
    assert_eq!(bench.retries().len(), 1);
}
