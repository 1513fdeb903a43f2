//! Where archives are found: the downloads folder, local folders, files, a replacement index.

use std::ops::ControlFlow;
use std::sync::Arc;

use dhtl_test_kit::Reply;

use super::*;

#[test]
fn a_complete_file_is_reused() {
    let server = FaultServer::serve(|_| Reply::ok(body()));
    let bench = Bench::new();
    let archive = archive(&server, &body());
    assert_eq!(
        bench.fetch_all_of(&archive, &body()).origin,
        Origin::Downloaded
    );
    assert_eq!(bench.fetch_all_of(&archive, &body()).origin, Origin::Reused);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn row_3_a_damaged_complete_file_is_fetched_again() {
    let server = FaultServer::serve(|_| Reply::ok(body()));
    let bench = Bench::new();
    let archive = archive(&server, &body());
    let path = bench.fetch_all_of(&archive, &body()).path;
    for damage in [&b""[..], &[0; 300_000]] {
        std::fs::write(&path, damage).unwrap();
        assert_eq!(
            bench.fetch_all_of(&archive, &body()).origin,
            Origin::Downloaded
        );
    }
}

#[test]
fn input_54_two_fetchers_transfer_a_file_once() {
    let server = FaultServer::serve(|_| {
        std::thread::sleep(Duration::from_millis(200));
        Reply::ok(body())
    });
    let bench = Bench::new();
    let archive = archive(&server, &body());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let fetcher = Fetcher::new(quick(), bench.downloads());
                let fetched = fetcher.fetch(&archive, &Quiet).unwrap();
                assert_eq!(std::fs::read(fetched.path).unwrap(), body());
            });
        }
    });
    assert_eq!(server.requests().len(), 1);
    assert_eq!(bench.kept().len(), 1);
}

#[test]
fn row_12_a_held_lock_ends_in_a_clear_error() {
    let server = FaultServer::serve(|_| Reply::ok(body()));
    let bench = Bench::with(FetchSettings {
        lock_timeout: Duration::from_millis(100),
        ..quick()
    });
    std::fs::create_dir_all(bench.downloads()).unwrap();
    let part = bench.downloads().join(format!("{}.part", digest(&body())));
    let held = std::fs::File::create(&part).unwrap();
    held.lock().unwrap();
    let error = bench.fetch(&archive(&server, &body())).unwrap_err();
    assert!(matches!(error, FetchError::Busy { .. }), "{error}");
    drop(held);
    bench.fetch_all_of(&archive(&server, &body()), &body());
}

#[test]
fn offline_opens_no_socket() {
    let server = FaultServer::serve(|_| Reply::ok(body()));
    let offline = || FetchSettings {
        offline: true,
        ..quick()
    };
    let bench = Bench::with(offline());
    let archive = archive(&server, &body());
    let error = bench.fetch(&archive).unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }));
    assert!(error.to_string().contains("demo-1.0-py3-none-any.whl"));
    assert_eq!(server.requests().len(), 0);
    Fetcher::new(quick(), bench.downloads())
        .fetch(&archive, &Quiet)
        .unwrap();
    assert_eq!(bench.fetch(&archive).unwrap().origin, Origin::Reused);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_local_folder_comes_before_the_network() {
    let server = FaultServer::serve(|_| Reply::ok(body()));
    let archive = archive(&server, &body());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(&archive.filename);
    std::fs::write(&file, body()).unwrap();
    let bench = Bench::with(FetchSettings {
        local_folders: vec![folder.path().join("missing"), folder.path().to_owned()],
        ..quick()
    });
    let fetched = bench.fetch(&archive).unwrap();
    assert_eq!(
        (fetched.path, fetched.origin),
        (file.clone(), Origin::Local)
    );
    assert_eq!(server.requests().len(), 0);

    std::fs::write(&file, b"other bytes").unwrap();
    bench.fetch_all_of(&archive, &body());
    assert_eq!(*bench.heard.passed_over.lock().unwrap(), [file]);
}

#[test]
fn input_12_a_file_name_cannot_leave_a_folder() {
    let server = FaultServer::serve(|_| Reply::ok(body()));
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::with(FetchSettings {
        local_folders: vec![folder.path().to_owned()],
        ..quick()
    });
    for name in ["../x", "a/b", "a\\b", "/x", ".", "..", "", "c:x"] {
        let archive = Archive {
            filename: name.into(),
            ..archive(&server, &body())
        };
        let error = bench.fetch(&archive).unwrap_err();
        assert!(matches!(error, FetchError::BadName { .. }), "{name}");
    }
}

#[test]
fn row_25_a_file_is_checked_and_used_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.whl");
    std::fs::write(&file, body()).unwrap();
    let bench = Bench::new();
    let mut archive = Archive {
        location: Location::File(file.clone()),
        ..archive_at("http://h.invalid/", &body())
    };
    assert_eq!(bench.fetch(&archive).unwrap().path, file);
    archive.sha256 = Some(Sha256([1; 32]));
    let error = bench.fetch(&archive).unwrap_err();
    assert!(matches!(error, FetchError::Hash { .. }));
    assert!(file.exists(), "a file of the user's is never removed");
    archive.location = Location::File(folder.path().join("missing"));
    assert!(matches!(
        bench.fetch(&archive).unwrap_err(),
        FetchError::Io { .. }
    ));
}

/// A proxy stands for the public index, which is not there in tests, and a server for the other index.
fn index_bench(index: &FaultServer, proxy: &FaultServer) -> Bench {
    Bench::with(FetchSettings {
        index: Some(CleanUrl::new(index.url("/simple").parse().unwrap())),
        proxies: Proxies::Given {
            http: Some(Secret::new(proxy.url(""))),
            https: None,
            except: "127.0.0.1".into(),
        },
        ..quick()
    })
}

fn public() -> Archive {
    archive_at(
        "http://files.pythonhosted.org/packages/demo-1.0-py3-none-any.whl",
        &body(),
    )
}

fn page(sha256: &Sha256) -> Reply {
    Reply::ok(format!(
        "<a href=\"../../files/demo-1.0-py3-none-any.whl#sha256={sha256}\">demo-1.0-py3-none-any.whl</a>"
    ))
    .header("Content-Type", "text/html")
}

#[test]
fn row_29_an_index_replaces_the_public_one_by_digest() {
    let unreachable = FaultServer::serve(|_| Reply::status(403));
    let index = FaultServer::serve(|asked| match asked.path.as_str() {
        "/simple/demo/" => page(&digest(&body())),
        "/files/demo-1.0-py3-none-any.whl" => Reply::ok(body()),
        _ => Reply::status(404),
    });
    index_bench(&index, &unreachable).fetch_all_of(&public(), &body());
    assert_eq!(unreachable.requests().len(), 1);
}

#[test]
fn row_29_an_index_cannot_offer_another_digest() {
    let unreachable = FaultServer::serve(|_| Reply::status(404));
    let index = FaultServer::serve(|_| page(&Sha256([3; 32])));
    let bench = index_bench(&index, &unreachable);
    let error = bench.fetch(&public()).unwrap_err();
    assert!(matches!(error, FetchError::NotInIndex { .. }), "{error}");
    assert!(chain(&error).contains("status 404"), "{}", chain(&error));
    assert_eq!(index.requests().len(), 1);
}

#[test]
fn row_25_a_mismatch_is_not_tried_at_the_index() {
    let lying = FaultServer::serve(|_| Reply::ok(vec![1; 300_000]));
    let index = FaultServer::serve(|_| page(&digest(&body())));
    let bench = index_bench(&index, &lying);
    let error = bench.fetch(&public()).unwrap_err();
    assert!(matches!(error, FetchError::Hash { .. }), "{error}");
    assert_eq!(index.requests().len(), 0);
}

#[test]
fn an_unreachable_public_index_is_asked_once() {
    // A proxy that nobody listens on: no connection to the public index.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let index = FaultServer::serve(|asked| match asked.path.as_str() {
        "/simple/demo/" => page(&digest(&body())),
        _ => Reply::ok(body()),
    });
    let bench = Bench::with(FetchSettings {
        index: Some(CleanUrl::new(index.url("/simple/").parse().unwrap())),
        proxies: Proxies::Given {
            http: Some(Secret::new(address)),
            https: None,
            except: "127.0.0.1".into(),
        },
        ..quick()
    });
    bench.fetch_all_of(&public(), &body());
    let retries = bench.retries().len();
    std::fs::remove_dir_all(bench.downloads()).unwrap();
    bench.fetch_all_of(&public(), &body());
    assert_eq!(bench.retries().len(), retries);
}

#[test]
fn many_archives_come_as_they_complete() {
    let server = Arc::new(FaultServer::serve(|asked| match asked.path.as_str() {
        "/7" => Reply::status(404),
        path => Reply::ok(path.repeat(1000)),
    }));
    let archives: Vec<Archive> = (0..40)
        .map(|number| {
            let path = format!("/{number}");
            archive_at(&server.url(&path), path.repeat(1000).as_bytes())
        })
        .collect();
    let bench = Bench::new();
    let mut seen = BTreeMap::new();
    bench
        .fetcher
        .fetch_all(&archives, &Quiet, &mut |index, result| {
            seen.insert(index, result.is_ok());
            ControlFlow::Continue(())
        });
    assert_eq!(seen.len(), 40);
    assert!(
        seen.iter()
            .all(|(&index, &fetched)| fetched == (index != 7))
    );
    assert_eq!(bench.kept().len(), 39);
}

#[test]
fn a_stop_ends_the_transfers_that_are_left() {
    let server = FaultServer::serve(|asked| match asked.path.as_str() {
        "/0" => Reply::status(404),
        _ => Reply::ok(body()).trickle(Duration::from_millis(5)),
    });
    let archives: Vec<Archive> = (0..8)
        .map(|number| archive_at(&server.url(&format!("/{number}")), &body()))
        .enumerate()
        .map(|(number, archive)| Archive {
            sha256: Some(Sha256([number as u8; 32])),
            ..archive
        })
        .collect();
    let bench = Bench::new();
    let start = std::time::Instant::now();
    let mut results = 0;
    bench.fetcher.fetch_all(&archives, &Quiet, &mut |_, _| {
        results += 1;
        ControlFlow::Break(())
    });
    assert_eq!(results, 1);
    assert!(start.elapsed() < Duration::from_secs(3));
}
