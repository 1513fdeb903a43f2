use std::time::Instant;

use super::*;

fn sh(script: &str) -> Call {
    Call::new(Path::new("/bin/sh")).arg("-c").arg(script)
}

#[test]
fn keeps_what_a_program_prints() {
    let call =
        sh("printf '%s|' \"$@\"; pwd; echo \"$A\" >&2; cat").args(["sh", "a b", "$(id)", ""]);
    let output = call
        .folder(Path::new("/"))
        .env("A", "told")
        .run(&Cancel::default())
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "a b|$(id)||/\n");
    assert_eq!(output.stderr, "told\n");
}

#[test]
fn a_failure_shows_the_command_and_its_words_without_secrets() {
    let call = sh("echo 'no access to https://me:pw@host/x with hunter2' >&2; exit 3");
    let error = call
        .arg("https://me:pw@host/x")
        .secret("hunter2")
        .run(&Cancel::default())
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("ended with code 3"), "{text}");
    assert!(
        text.contains("no access to https://***@host/x with ***"),
        "{text}"
    );
    assert!(!text.contains("hunter2") && !text.contains("pw@"), "{text}");
    let missing = Call::new(Path::new("/does/not/exist"))
        .run(&Cancel::default())
        .unwrap_err();
    assert_eq!(missing.to_string(), "cannot start `/does/not/exist`");
}

#[test]
fn the_whole_group_ends_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let alive = folder.path().join("alive");
    let script = "trap '' TERM; (trap '' TERM; while :; do touch \"$0\"; sleep 0.05; done) & wait";
    let call = sh(script).arg(&alive).timeout(Duration::from_millis(300));
    let start = Instant::now();
    assert!(matches!(
        call.run(&Cancel::default()),
        Err(RunError::Timeout { .. })
    ));
    assert!(start.elapsed() < Duration::from_secs(8));
    std::fs::remove_file(&alive).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(!alive.exists(), "a process of the group survived");
}

#[test]
fn cancelling_ends_a_program() {
    let cancel = Cancel::default();
    let other = cancel.clone();
    let waiting = std::thread::spawn(move || sh("sleep 60").run(&other));
    std::thread::sleep(Duration::from_millis(100));
    cancel.cancel();
    assert!(matches!(
        waiting.join().unwrap(),
        Err(RunError::Cancelled { .. })
    ));
}

#[test]
fn output_is_bounded() {
    let call = sh("while :; do echo 0123456789; done").stdout_limit(10_000);
    assert!(matches!(
        call.run(&Cancel::default()),
        Err(RunError::TooMuch { limit: 10_000, .. })
    ));
    let noisy = sh("i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done");
    let stderr = noisy.run(&Cancel::default()).unwrap().stderr;
    assert!(stderr.len() <= STDERR_TAIL && stderr.ends_with("line 2999\n"));
}

#[test]
fn programs_of_the_project_are_not_found() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    let trusted = folder.path().join("bin");
    for place in [&project.join("bin"), &trusted] {
        std::fs::create_dir_all(place).unwrap();
        let file = place.join("tool");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::fs::write(trusted.join("text"), "").unwrap();
    let path = std::env::join_paths([
        Path::new(""),
        Path::new("."),
        Path::new("bin"),
        &project.join("bin"),
        &trusted,
    ])
    .unwrap();
    let found = find_program("tool", &path, &[&project]);
    assert_eq!(found, Some(trusted.join("tool")));
    assert_eq!(find_program("text", &path, &[]), None);
    for name in ["../tool", "/bin/sh", "", ".", "a/b"] {
        assert_eq!(find_program(name, &path, &[]), None, "{name}");
    }
}
