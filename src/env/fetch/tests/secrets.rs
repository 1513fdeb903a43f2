//! Logins (promise 27): sent to their origin, and nowhere else.

use dhtl_test_kit::Reply;
use url::Url;

use super::*;

const SECRETS: [&str; 4] = ["index-pw-1", "netrc-pw-2", "query-pw-3", "proxy-pw-4"];

/// `Basic` and the encoded `user:password` of RFC 7617.
fn basic(pair: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = "Basic ".to_owned();
    for three in pair.as_bytes().chunks(3) {
        let mut bits = [0; 3];
        bits[..three.len()].copy_from_slice(three);
        let word = u32::from_be_bytes([0, bits[0], bits[1], bits[2]]);
        for place in 0..4 {
            text.push(if place <= three.len() {
                LETTERS[(word >> (18 - 6 * place)) as usize & 63] as char
            } else {
                '='
            });
        }
    }
    text
}

fn settings_with(login: &str) -> FetchSettings {
    let mut settings = quick();
    settings.add_index(None, &login.parse::<Url>().unwrap());
    settings
}

#[test]
fn row_27_a_login_goes_to_its_origin() {
    let server = FaultServer::serve(|asked| match asked.header("authorization") {
        Some(_) => Reply::ok(body()),
        None => Reply::status(401),
    });
    let login = server.url("/files").replace("//", "//me:index-pw-1@");
    let bench = Bench::with(settings_with(&login));
    bench.fetch_all_of(&archive(&server, &body()), &body());
    let sent = server.requests()[0]
        .header("authorization")
        .unwrap()
        .to_owned();
    assert_eq!(sent, basic("me:index-pw-1"));
    let error = Bench::new().fetch(&archive(&server, &body())).unwrap_err();
    assert!(matches!(
        error,
        FetchError::Unauthorized {
            with_login: false,
            ..
        }
    ));
}

#[test]
fn row_27_a_redirect_does_not_take_the_login_along() {
    let other = FaultServer::serve(|_| Reply::ok(body()));
    let target = other.url("/x").replace("//", "//evil:pw@");
    let server = FaultServer::serve(move |_| Reply::status(302).header("Location", &target));
    let login = server.url("/").replace("//", "//me:index-pw-1@");
    let bench = Bench::with(settings_with(&login));
    bench.fetch_all_of(&archive(&server, &body()), &body());
    assert!(server.requests()[0].header("authorization").is_some());
    let arrived = &other.requests()[0];
    assert_eq!(arrived.header("authorization"), None);
    assert_eq!(arrived.header("cookie"), None);
    assert_eq!(arrived.header("referer"), None);
}

#[test]
fn row_27_netrc_is_used() {
    let server = FaultServer::serve(|_| Reply::ok(body()));
    let folder = tempfile::tempdir().unwrap();
    let netrc = folder.path().join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1\nlogin me\npassword netrc-pw-2\n").unwrap();
    let bench = Bench::with(FetchSettings {
        netrc: Some(Netrc::Named(netrc)),
        ..quick()
    });
    bench.fetch_all_of(&archive(&server, &body()), &body());
    let sent = server.requests()[0]
        .header("authorization")
        .unwrap()
        .to_owned();
    assert_eq!(sent, basic("me:netrc-pw-2"));
}

#[test]
fn row_28_a_proxy_is_used_and_its_login_stays_with_it() {
    let proxy = FaultServer::serve(|_| Reply::ok(body()));
    let address = proxy.url("").replace("//", "//me:proxy-pw-4@");
    let bench = Bench::with(FetchSettings {
        proxies: Proxies::Given {
            http: Some(Secret::new(address)),
            https: None,
            except: "direct.invalid".into(),
        },
        ..quick()
    });
    bench.fetch_all_of(&archive_at("http://far.invalid/a.whl", &body()), &body());
    let asked = &proxy.requests()[0];
    assert_eq!(asked.path, "http://far.invalid/a.whl");
    assert_eq!(
        asked.header("proxy-authorization"),
        Some(basic("me:proxy-pw-4").as_str())
    );
    let direct = archive_at("http://direct.invalid/a.whl", b"other");
    let error = bench.fetch(&direct).unwrap_err();
    assert!(matches!(error, FetchError::Dns { .. }), "{}", chain(&error));
}

#[test]
fn input_48_a_proxy_that_wants_a_login_is_named() {
    let proxy = FaultServer::serve(|_| Reply::status(407).header("Proxy-Authenticate", "Basic"));
    let (bench, _kept) = tls::trusting(FetchSettings {
        proxies: Proxies::Given {
            http: None,
            https: Some(Secret::new(proxy.url(""))),
            except: String::new(),
        },
        ..quick()
    });
    let error = bench
        .fetch(&archive_at("https://far.invalid/a.whl", b"x"))
        .unwrap_err();
    assert!(
        matches!(error, FetchError::ProxyLogin { .. }),
        "{}",
        chain(&error)
    );
    assert_eq!(proxy.requests()[0].method, "CONNECT");
}

#[test]
fn row_27_no_secret_reaches_a_file_or_a_message() {
    let replies: [fn() -> Reply; 6] = [
        || Reply::status(403),
        || Reply::status(500),
        || Reply::ok("short"),
        || Reply::ok(vec![1; 300_000]),
        // It can be resumed, so notes are left.
        || {
            Reply::ok(body())
                .header("ETag", "\"v1\"")
                .cut(1000)
                .then_close()
        },
        || Reply::status(302).header("Location", "ftp://me:index-pw-1@h/x?token=query-pw-3"),
    ];
    for reply in replies {
        let server = FaultServer::serve(move |_| reply());
        let folder = tempfile::tempdir().unwrap();
        let netrc = folder.path().join("netrc");
        std::fs::write(&netrc, "machine other.example password netrc-pw-2").unwrap();
        let login = server.url("/").replace("//", "//me:index-pw-1@");
        let bench = Bench::with(FetchSettings {
            netrc: Some(Netrc::Named(netrc)),
            ..settings_with(&login)
        });
        let url = server
            .url("/a.whl?tok=query-pw-3")
            .replace("//", "//me:index-pw-1@");
        let error = bench.fetch(&archive_at(&url, &body())).unwrap_err();
        let mut shown = format!("{} {error:?} {:?}", chain(&error), bench.fetcher);
        shown += &format!("{:?}", bench.retries());
        for name in bench.kept().keys() {
            shown += name;
            let bytes = std::fs::read(bench.downloads().join(name)).unwrap();
            shown += &String::from_utf8_lossy(&bytes);
        }
        for secret in SECRETS {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

#[test]
fn row_27_a_broken_proxy_address_is_not_shown() {
    let bench = Bench::with(FetchSettings {
        proxies: Proxies::Given {
            http: Some(Secret::new("http://me:proxy-pw-4@[broken".into())),
            https: None,
            except: String::new(),
        },
        ..quick()
    });
    let error = bench
        .fetch(&archive_at("http://h.invalid/x", b"x"))
        .unwrap_err();
    let shown = format!("{} {error:?}", chain(&error));
    assert!(!shown.contains("proxy-pw-4"), "{shown}");
}
