//! Trust (promise 28): servers are checked, and no machine needs certificates for what needs none.

use dhtl_test_kit::{Identity, Reply, server::AUTHORITY};

use super::*;

/// A fetcher that trusts the authority of the test servers, and the folder that holds its certificate.
pub(super) fn trusting(settings: FetchSettings) -> (Bench, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, AUTHORITY).unwrap();
    let certificates = Certificates {
        file: Some(file),
        folders: Vec::new(),
    };
    let bench = Bench::with(FetchSettings {
        certificates,
        ..settings
    });
    (bench, folder)
}

fn server(identity: Identity) -> FaultServer {
    FaultServer::serve_tls(identity, |_| Reply::ok(body()))
}

#[test]
fn row_28_a_given_authority_is_trusted() {
    let server = server(Identity::Valid);
    let (bench, _kept) = trusting(quick());
    bench.fetch_all_of(&archive(&server, &body()), &body());
}

#[test]
fn row_28_a_folder_of_authorities_is_trusted() {
    let server = server(Identity::Valid);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.pem"), AUTHORITY).unwrap();
    std::fs::write(folder.path().join("README"), "no certificate").unwrap();
    let certificates = Certificates {
        file: None,
        folders: vec![folder.path().join("missing"), folder.path().to_owned()],
    };
    let bench = Bench::with(FetchSettings {
        certificates,
        ..quick()
    });
    bench.fetch_all_of(&archive(&server, &body()), &body());
}

#[test]
fn row_28_unknown_expired_and_foreign_certificates_are_refused() {
    let other = tempfile::tempdir().unwrap();
    let file = other.path().join("other.pem");
    std::fs::write(&file, include_str!("other-authority.pem")).unwrap();
    let stranger = Bench::with(FetchSettings {
        certificates: Certificates {
            file: Some(file),
            folders: Vec::new(),
        },
        ..quick()
    });
    let (expired, _kept) = trusting(quick());
    let (elsewhere, _kept) = trusting(quick());
    let cases = [
        (stranger, Identity::Valid, "UnknownIssuer"),
        (expired, Identity::Expired, "expired"),
        (elsewhere, Identity::Elsewhere, "not valid for name"),
    ];
    for (bench, identity, why) in cases {
        let server = server(identity);
        let error = bench.fetch(&archive(&server, &body())).unwrap_err();
        assert!(matches!(error, FetchError::Tls { .. }), "{}", chain(&error));
        assert!(chain(&error).contains(why), "{why}: {}", chain(&error));
        assert!(bench.retries().is_empty(), "trust is not tried again");
        assert!(server.requests().is_empty());
    }
}

#[test]
fn row_28_without_authorities_only_https_fails() {
    let empty = tempfile::tempdir().unwrap();
    let file = empty.path().join("empty.pem");
    std::fs::write(&file, "").unwrap();
    let certificates = Certificates {
        file: Some(file),
        folders: Vec::new(),
    };
    let bench = Bench::with(FetchSettings {
        certificates,
        ..quick()
    });
    let plain = FaultServer::serve(|_| Reply::ok(body()));
    bench.fetch_all_of(&archive(&plain, &body()), &body());
    let error = bench
        .fetch(&archive_at("https://127.0.0.1:1/x", b"other"))
        .unwrap_err();
    assert!(
        matches!(error, FetchError::NoCertificates { .. }),
        "{}",
        chain(&error)
    );
}
