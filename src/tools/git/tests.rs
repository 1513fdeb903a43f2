use super::*;

/// Runs git as a person would, for the preparation of a repository.
fn git(folder: &Path, args: &[&str]) -> String {
    let path = std::ffi::OsString::from("/usr/local/bin:/usr/bin:/bin");
    let program = find_program("git", &path, &[]).unwrap();
    let output = Call::new(&program)
        .folder(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .run(&Cancel::default())
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn url(folder: &Path) -> CleanUrl {
    CleanUrl::new(url::Url::from_file_path(folder).unwrap())
}

fn locate(project: &Path) -> Git {
    Git::locate(OsStr::new("/usr/local/bin:/usr/bin:/bin"), project).unwrap()
}

#[test]
fn checks_out_a_commit_with_its_submodules_and_runs_nothing() {
    let tree = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let folder = tree.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    let (inner, outer, work) = (folder("inner"), folder("outer"), folder("work"));
    let canary = tree.path().join("canary");
    for repository in [&inner, &outer] {
        git(repository, &["init", "--quiet", "-b", "main"]);
        std::fs::write(repository.join("file"), "one").unwrap();
        git(repository, &["add", "."]);
        git(repository, &["commit", "--quiet", "-m", "one"]);
    }
    let inner_url = url(&inner).to_string();
    git(&outer, &["submodule", "--quiet", "add", &inner_url, "sub"]);
    std::fs::write(outer.join(".gitattributes"), "* filter=evil\n").unwrap();
    git(&outer, &["add", "."]);
    git(&outer, &["commit", "--quiet", "-m", "two"]);
    git(&outer, &["tag", "v1"]);
    let commit = git(&outer, &["rev-parse", "HEAD"]);
    let first = git(&outer, &["rev-parse", "HEAD^"]);
    std::fs::write(outer.join("file"), "later").unwrap();
    git(&outer, &["commit", "--quiet", "-am", "three"]);

    let cancel = Cancel::default();
    let program = locate(&work);
    program
        .checkout(&url(&outer), &commit, &work, &cancel)
        .unwrap();
    assert_eq!(std::fs::read_to_string(work.join("file")).unwrap(), "one");
    assert_eq!(
        std::fs::read_to_string(work.join("sub/file")).unwrap(),
        "one"
    );
    assert_eq!(git(&work, &["tag"]), "v1");
    assert!(!work.join(".git/hooks").exists());
    assert!(!canary.exists());

    let again = folder("again");
    program
        .checkout(&url(&outer), &first, &again, &cancel)
        .unwrap();
    let missing = "0123456789012345678901234567890123456789";
    let error = program
        .checkout(&url(&outer), missing, &folder("no"), &cancel)
        .unwrap_err();
    assert!(error.to_string().contains(missing), "{error}");
}
