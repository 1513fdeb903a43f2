use super::*;

fn folder(path: &str) -> PathBuf {
    if cfg!(windows) {
        format!("C:{}", path.replace('/', "\\")).into()
    } else {
        path.into()
    }
}

fn file(path: &str, text: &str) -> InstalledFile {
    InstalledFile {
        path: path.to_owned(),
        executable: path.starts_with("bin/"),
        bytes: text.as_bytes().to_vec(),
    }
}

const SITE: &str = "lib/python3.11/site-packages";

fn template(project: &Path, member: &Path, extra: Vec<InstalledFile>) -> EditableTemplate {
    let info = format!("{SITE}/a-1.dist-info");
    let mut files = vec![
        file(".lock", ""),
        file("bin/a-run", "#!/work/prefix/bin/python\nx"),
        file("bin/own.py", "#!/work/prefix/bin/python3\nprint()\n"),
        file("share/man/a.1", "text"),
        file(&format!("{info}/METADATA"), "Name: a\n"),
        file(&format!("{info}/RECORD"), "old"),
        file(&format!("{info}/INSTALLER"), "uv"),
        file(&format!("{info}/uv_cache.json"), "{}"),
        file(
            &format!("{info}/entry_points.txt"),
            "[console_scripts]\na-run = a:main\n",
        ),
    ];
    files.extend(extra);
    EditableTemplate::from_installed(files, &Places { member, project }).unwrap()
}

fn rendered(
    template: &EditableTemplate,
    project: &Path,
    member: &Path,
) -> BTreeMap<String, String> {
    let site = project
        .join(".venv")
        .join("lib")
        .join("python3.11")
        .join("site-packages");
    let target = RenderTarget {
        cache_info: false,
        places: Places { member, project },
        site_packages: Some(&site),
        layout: Layout::Posix,
        windows_launcher: None,
    };
    let files = template.render(&target).unwrap();
    files
        .into_iter()
        .map(|file| {
            (
                file.path.to_string(),
                String::from_utf8(file.bytes).unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_template_is_written_for_another_place() {
    let (project, member) = (folder("/home/me/ws"), folder("/home/me/ws/packages/a"));
    let literal = |path: &Path| path.to_str().unwrap().replace('\\', "\\\\");
    let finder = format!(
        "MAPPING = {{'a': '{}'}}\nOTHER = '{}-2'\n",
        literal(&member.join("lib")),
        literal(&member)
    );
    let url = |path: &Path| {
        format!(
            "{{\"url\":\"{}\"}}",
            url::Url::from_file_path(path).unwrap()
        )
    };
    let template = template(
        &project,
        &member,
        vec![
            file(
                &format!("{SITE}/a.pth"),
                member.join("src").to_str().unwrap(),
            ),
            file(
                &format!("{SITE}/b.pth"),
                &format!("import a_finder\n{}\n", project.join("shared").display()),
            ),
            file(&format!("{SITE}/a_finder.py"), &finder),
            file(
                &format!("{SITE}/a-1.dist-info/direct_url.json"),
                &url(&member),
            ),
        ],
    );
    assert_eq!(template.dist_info(), "a-1.dist-info");
    let held: Vec<u8> = template
        .files
        .iter()
        .flat_map(|file| file.bytes.clone())
        .collect();
    assert!(
        !String::from_utf8(held)
            .unwrap()
            .contains("/home/me/ws/packages/a/")
    );

    let (project, member) = (folder("/srv/o'ne"), folder("/srv/o'ne/packages/a"));
    let files = rendered(&template, &project, &member);
    assert_eq!(
        files["site-packages/a.pth"].replace('\\', "/"),
        "../../../../packages/a/src"
    );
    assert_eq!(
        files["site-packages/b.pth"].replace('\\', "/"),
        "import a_finder\n../../../../shared\n"
    );
    assert_eq!(
        files["site-packages/a-1.dist-info/direct_url.json"],
        url(&member)
    );
    if cfg!(unix) {
        assert_eq!(
            files["site-packages/a_finder.py"],
            "MAPPING = {'a': '/srv/o\\'ne/packages/a/lib'}\nOTHER = '/srv/o\\'ne/packages/a-2'\n"
        );
    }
}

#[test]
fn scripts_and_record_are_made_anew() {
    let project = folder("/home/me/a");
    let template = template(&project, &project, vec![file(&format!("{SITE}/a.pth"), "")]);
    let files = rendered(&template, &project, &project);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "data/share/man/a.1",
            "scripts/a-run",
            "scripts/own.py",
            "site-packages/a-1.dist-info/INSTALLER",
            "site-packages/a-1.dist-info/METADATA",
            "site-packages/a-1.dist-info/RECORD",
            "site-packages/a-1.dist-info/entry_points.txt",
            "site-packages/a.pth",
        ]
    );
    assert!(files["scripts/a-run"].contains("from a import main"));
    assert!(!files["scripts/own.py"].contains("/work/prefix"));
    let record = &files["site-packages/a-1.dist-info/RECORD"];
    assert!(
        record.contains("\n../../../share/man/a.1,sha256="),
        "{record}"
    );
    assert!(record.contains("\na-1.dist-info/RECORD,,\n"), "{record}");
    assert_eq!(record.lines().count(), names.len());
}

#[test]
fn a_template_survives_being_kept() {
    let project = folder("/home/me/a");
    let template = template(&project, &project, Vec::new());
    let kept = EditableTemplate::from_files(template.files.clone()).unwrap();
    assert_eq!(kept, template);
    assert!(matches!(
        EditableTemplate::from_files(Vec::new()),
        Err(TemplateError::Infos(0))
    ));
}

#[test]
fn a_file_that_holds_a_token_is_refused() {
    let project = folder("/home/me/a");
    let files = vec![
        file(&format!("{SITE}/a-1.dist-info/METADATA"), ""),
        file(&format!("{SITE}/a.py"), "'@dhtl:member:path@'"),
    ];
    let places = Places {
        member: &project,
        project: &project,
    };
    assert!(matches!(
        EditableTemplate::from_installed(files, &places),
        Err(TemplateError::Token(_))
    ));
}
