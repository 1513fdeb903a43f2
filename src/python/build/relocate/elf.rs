//! The search path that an ELF file gives to the dynamic linker, rewritten in place.
//!
//! System V ABI, chapter 5, "Dynamic Section": `DT_RPATH` and `DT_RUNPATH` are offsets into the
//! dynamic string table, where strings may share their tails. A shorter string is written over the
//! old one, after it is known that nothing else points into it.

use std::ops::Range;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{Dyn, FileHeader, SectionHeader, SectionTable, Sym};

use super::relative;

/// Where the identification of an ELF file says whether it is one of 32 or of 64 bits.
const EI_CLASS: usize = 4;

/// Why an ELF file could not be relocated.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// Its tables are malformed.
    #[error("its tables are malformed")]
    Malformed(#[from] object::read::Error),
    /// The new search path is longer than the old one.
    #[error("its search path `{old}` has no room for `{new}`")]
    NoRoom {
        /// What it says.
        old: String,
        /// What it should say.
        new: String,
    },
    /// Something else uses the same bytes.
    #[error("another name shares the bytes of its search path `{old}`")]
    Shared {
        /// What it says.
        old: String,
    },
}

/// Makes search paths below `prefix` relative to the file, which stands in `folder` of the tree.
pub fn relocate(mut content: Vec<u8>, prefix: &str, folder: &str) -> Result<Vec<u8>, ElfError> {
    let changes = match content.get(EI_CLASS) {
        Some(&elf::ELFCLASS32) => plan::<FileHeader32<Endianness>>(&content, prefix, folder)?,
        Some(&elf::ELFCLASS64) => plan::<FileHeader64<Endianness>>(&content, prefix, folder)?,
        _ => Vec::new(),
    };
    for Change { range, text } in changes {
        let bytes = &mut content[range];
        bytes.fill(0);
        bytes[..text.len()].copy_from_slice(text.as_bytes());
    }
    Ok(content)
}

/// A string to be written over the bytes of a longer one.
struct Change {
    range: Range<usize>,
    text: String,
}

fn plan<Elf: FileHeader<Endian = Endianness>>(
    data: &[u8],
    prefix: &str,
    folder: &str,
) -> Result<Vec<Change>, ElfError> {
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let Some((dynamic, strings)) = sections.dynamic(endian, data)? else {
        return Ok(Vec::new());
    };
    let Some((start, size)) = sections.section(strings)?.file_range(endian) else {
        return Ok(Vec::new());
    };
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let table = start
        .checked_add(size)
        .and_then(|end| data.get(start..end))
        .unwrap_or_default();
    let mut changes: Vec<Change> = Vec::new();
    for entry in dynamic {
        let tag = entry.tag(endian);
        if tag != elf::DT_RPATH && tag != elf::DT_RUNPATH {
            continue;
        }
        let offset = usize::try_from(entry.val(endian)).unwrap_or(usize::MAX);
        let Some(old) = string_at(table, offset) else {
            continue;
        };
        let Some(new) = relative_search_path(old, prefix, folder) else {
            continue;
        };
        if new.len() > old.len() {
            return Err(ElfError::NoRoom {
                old: old.to_owned(),
                new,
            });
        }
        let inside = offset + 1..offset + old.len();
        if used_offsets::<Elf>(&sections, dynamic, endian, data)?.any(|used| inside.contains(&used))
        {
            return Err(ElfError::Shared {
                old: old.to_owned(),
            });
        }
        let range = start + offset..start + offset + old.len();
        changes.push(Change { range, text: new });
    }
    changes.dedup_by(|a, b| a.range == b.range);
    Ok(changes)
}

fn string_at(table: &[u8], offset: usize) -> Option<&str> {
    let rest = table.get(offset..)?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    std::str::from_utf8(&rest[..end]).ok()
}

/// Returns the search path without the prefix; `None` when it does not name it.
fn relative_search_path(old: &str, prefix: &str, folder: &str) -> Option<String> {
    let mut changed = false;
    let mut parts: Vec<String> = Vec::new();
    for part in old.split(':') {
        let below = part
            .strip_prefix(prefix)
            .filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let part = match below {
            None => part.to_owned(),
            Some(rest) => {
                changed = true;
                match relative(folder, rest).as_str() {
                    "." => "$ORIGIN".to_owned(),
                    way => format!("$ORIGIN/{way}"),
                }
            }
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    changed.then(|| parts.join(":"))
}

/// Returns every offset into the dynamic string table that the file uses.
fn used_offsets<'data, Elf: FileHeader<Endian = Endianness>>(
    sections: &SectionTable<'data, Elf>,
    dynamic: &'data [Elf::Dyn],
    endian: Endianness,
    data: &'data [u8],
) -> Result<impl Iterator<Item = usize>, ElfError> {
    let mut used: Vec<u64> = dynamic
        .iter()
        .filter(|entry| entry.is_string(endian))
        .map(|entry| entry.val(endian))
        .collect();
    for symbol in sections.symbols(endian, data, elf::SHT_DYNSYM)?.iter() {
        used.push(symbol.st_name(endian).into());
    }
    if let Some((mut needs, _)) = sections.gnu_verneed(endian, data)? {
        while let Some((need, mut versions)) = needs.next()? {
            used.push(need.vn_file.get(endian).into());
            while let Some(version) = versions.next()? {
                used.push(version.vna_name.get(endian).into());
            }
        }
    }
    if let Some((mut definitions, _)) = sections.gnu_verdef(endian, data)? {
        while let Some((_, mut names)) = definitions.next()? {
            while let Some(name) = names.next()? {
                used.push(name.vda_name.get(endian).into());
            }
        }
    }
    Ok(used
        .into_iter()
        .filter_map(|offset| usize::try_from(offset).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_search_paths_relative_to_the_file() {
        let path = |old, folder| relative_search_path(old, "/p/q", folder);
        assert_eq!(path("/p/q/lib", "bin").unwrap(), "$ORIGIN/../lib");
        assert_eq!(path("/p/q/lib", "lib").unwrap(), "$ORIGIN");
        assert_eq!(
            path("/p/q/lib:/usr/lib:/p/q/lib", "lib/python3.11/lib-dynload").unwrap(),
            "$ORIGIN/../..:/usr/lib"
        );
        assert_eq!(path("$ORIGIN/../lib", "bin"), None);
        assert_eq!(path("/p/qq/lib", "bin"), None);
    }

    #[test]
    fn refuses_malformed_tables_without_a_panic() {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        assert!(relocate(bytes, "/p/q", "bin").is_err());
        assert!(relocate(b"\x7fELF".to_vec(), "/p/q", "bin").is_ok());
    }
}
