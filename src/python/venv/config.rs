//! `pyvenv.cfg`: how the interpreter, uv, virtualenv, pip and editors know the environment.

use super::{VenvError, VenvSpec};
use crate::model::python::Implementation;

/// Renders the file (PEP 405; the keys beside `home` and `include-system-site-packages` are those
/// that virtualenv and uv write and that editors read).
pub fn render(spec: &VenvSpec) -> Result<Vec<u8>, VenvError> {
    let refuse = |reason| VenvError::Unwritable {
        interpreter: spec.interpreter.clone(),
        reason,
    };
    let home = spec
        .interpreter
        .parent()
        .filter(|home| !home.as_os_str().is_empty())
        .ok_or_else(|| refuse("no folder"))?;
    let home = home.as_os_str().as_encoded_bytes();
    if home.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(refuse("a line break"));
    }
    if home.first() == Some(&b' ') || home.last() == Some(&b' ') {
        return Err(refuse("a space at its end"));
    }
    let implementation = match spec.python.implementation {
        Implementation::CPython => "CPython",
        Implementation::PyPy => "PyPy",
    };
    let version = &spec.python.version;
    let prompt: String = spec.prompt.chars().filter(|c| !c.is_control()).collect();
    let mut bytes = b"home = ".to_vec();
    bytes.extend_from_slice(home);
    bytes.extend_from_slice(
        format!(
            "\nimplementation = {implementation}\nversion_info = {version}\nversion = {version}\n\
             include-system-site-packages = false\nprompt = {}\nrelocatable = true\ndhtl = {}\n",
            prompt.trim(),
            env!("CARGO_PKG_VERSION"),
        )
        .as_bytes(),
    );
    Ok(bytes)
}
