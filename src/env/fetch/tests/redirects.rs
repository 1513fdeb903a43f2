//! Redirects: followed a few times, only to where a request may go.

use dhtl_test_kit::{Identity, Reply};

use super::*;
use crate::env::fetch::tests::tls::trusting;

fn redirect(to: &str) -> Reply {
    Reply::status(302).header("Location", to)
}

fn fault(error: FetchError) -> RedirectFault {
    match error {
        FetchError::Redirect { fault, .. } => fault,
        other => panic!("not a redirect: {}", chain(&other)),
    }
}

#[test]
fn a_redirect_is_followed() {
    let server = FaultServer::serve(|asked| match asked.path.as_str() {
        "/there" => Reply::ok(body()),
        _ => redirect("/there"),
    });
    Bench::new().fetch_all_of(&archive(&server, &body()), &body());
}

#[test]
fn input_47_loops_and_long_chains_end() {
    let around = FaultServer::serve(|asked| redirect(&asked.path));
    let chain = FaultServer::serve(|asked| {
        let number: usize = asked.path.trim_start_matches('/').parse().unwrap_or(0);
        match number {
            100 => Reply::ok(body()),
            _ => redirect(&format!("/{}", number + 1)),
        }
    });
    for server in [around, chain] {
        let error = Bench::new().fetch(&archive(&server, &body())).unwrap_err();
        assert_eq!(fault(error), RedirectFault::TooMany(10));
        assert_eq!(server.requests().len(), 11);
    }
}

#[test]
fn input_47_other_schemes_are_refused() {
    for target in ["file:///etc/passwd", "ftp://h/x", "data:,x", "gopher://h"] {
        let server = FaultServer::serve(move |_| redirect(target));
        let error = Bench::new().fetch(&archive(&server, &body())).unwrap_err();
        let scheme = target.split(':').next().unwrap().to_owned();
        assert_eq!(fault(error), RedirectFault::Scheme(scheme));
    }
}

#[test]
fn row_28_redirects_to_link_local_addresses_are_refused() {
    for target in ["http://169.254.169.254/latest/", "http://[fe80::1]/"] {
        let server = FaultServer::serve(move |_| redirect(target));
        let error = Bench::new().fetch(&archive(&server, &body())).unwrap_err();
        assert!(matches!(fault(error), RedirectFault::LinkLocal(_)));
    }
}

#[test]
fn row_28_a_redirect_from_https_to_http_is_refused() {
    let plain = FaultServer::serve(|_| Reply::ok(body()));
    let target = plain.url("/x");
    let server = FaultServer::serve_tls(Identity::Valid, move |_| redirect(&target));
    let (bench, _kept) = trusting(quick());
    let error = bench.fetch(&archive(&server, &body())).unwrap_err();
    assert!(matches!(fault(error), RedirectFault::Downgrade(_)));
    assert_eq!(plain.requests().len(), 0);
}

#[test]
fn a_redirect_without_a_target_is_refused() {
    let server = FaultServer::serve(|_| Reply::status(302));
    let error = Bench::new().fetch(&archive(&server, &body())).unwrap_err();
    assert_eq!(fault(error), RedirectFault::NoTarget);
}
