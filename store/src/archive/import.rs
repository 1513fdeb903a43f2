//! From an archive into a store: everything is staged and checked, then published, roots last.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;

use super::crew::{Crew, Ready};
use super::documents::{Document, Documents};
use super::error::ArchiveError;
use super::frame::FrameReader;
use super::head::{EntryPart, Head, SupplementPart};
use super::index::Span;
use super::judge::{self, Judged};
use super::layout::{self, Part, parts};
use super::passage::{Job, JobFrames, check_end, check_index, hand_over, pass_over, read_end};
use super::run::RunReader;
use super::source::{Body, Incoming, buffered, next_frame, read_index};
use super::work;
use crate::format::environment::EntryRef;
use crate::id::{Digest, Fingerprint};
use crate::publish::CommitReport;
use crate::stage::Transaction;
use crate::store::Store;

/// What is asked of an import.
#[derive(Clone, Copy)]
pub struct ImportOptions<'a> {
    /// The archive has to be this one.
    pub id: Option<Digest>,
    /// Takes this environment only, and nothing that its fingerprint does not prove.
    pub environment: Option<Fingerprint>,
    /// The kinds of claims that are taken; others are left alone.
    pub kinds: &'a [&'a str],
    /// Hears how many bytes of tar were read or passed over.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What an import did.
#[derive(Debug, Default)]
pub struct ImportReport {
    /// The environments that the store has now.
    pub environments: Vec<Fingerprint>,
    /// How many entries the archive has of what was wanted.
    pub entries: usize,
    /// How many of them the store did not have.
    pub imported: usize,
    /// How many bytes of tar those are.
    pub bytes: u64,
    /// How many entries got derived files.
    pub supplements: usize,
    /// How many claims the store did not have.
    pub claims: usize,
    /// Claims of which the store says something else, which stays.
    pub contradicted: usize,
    /// Entries that stood damaged in the store and were replaced; the damaged ones are kept here.
    pub quarantined: Vec<(EntryRef, PathBuf)>,
}

/// What of an archive is taken.
struct Taken<'h> {
    parts: Vec<Part<'h>>,
    wanted: Vec<bool>,
}

impl Incoming {
    /// Brings the archive into the store.
    ///
    /// Nothing is visible there before all of it was read and found right; an interruption leaves
    /// nothing, or whole entries, which the next import passes over.
    ///
    /// # Errors
    ///
    /// When the archive is refused: the store is then as it was. When the disk is full or fails.
    pub fn import(
        self,
        store: &Store,
        options: &ImportOptions<'_>,
    ) -> Result<ImportReport, ArchiveError> {
        let Self { body, head, first } = self;
        check_asked(&head, options)?;
        let transaction = store.begin()?;
        let mut import = Import {
            store,
            transaction: &transaction,
            options,
            head: &head,
            documents: Documents::new(&transaction),
            report: ImportReport::default(),
        };
        let ready = match body {
            Body::File(file) => import.read_file(&file, first)?,
            Body::Stream(reader) => import.read_stream(reader, first)?,
        };
        import.publish(ready)
    }
}

fn check_asked(head: &Head, options: &ImportOptions<'_>) -> Result<(), ArchiveError> {
    if let Some(asked) = options.id
        && head.id() != asked
    {
        let found = head.id();
        return Err(ArchiveError::OtherArchive { found, asked });
    }
    let mut found = head.environments.iter().map(|part| part.fingerprint);
    match options.environment {
        Some(asked) if !found.any(|it| it == asked) => {
            let found = head.environments.iter();
            Err(ArchiveError::OtherRoot {
                asked,
                found: found.map(|part| part.fingerprint).collect(),
            })
        }
        _ => Ok(()),
    }
}

struct Import<'a, 'store> {
    store: &'store Store,
    transaction: &'a Transaction<'store>,
    options: &'a ImportOptions<'a>,
    head: &'a Head,
    documents: Documents<'a, 'store>,
    report: ImportReport,
}

impl<'a> Import<'a, '_> {
    fn read_file(&mut self, file: &File, first: Span) -> Result<Ready, ArchiveError> {
        let spans = read_index(file)?;
        let parts = parts(self.head);
        if spans.len() != parts.len() + 1 || spans.first() != Some(&first) {
            return Err(ArchiveError::refused("its index", "it has other parts"));
        }
        let spans = &spans[1..];
        let mut judged = Judged::default();
        let mut rest = &parts[..];
        if let [part @ Part::Documents { .. }, others @ ..] = &parts[..] {
            let mut reader = FrameReader::new(buffered(file, spans[0].offset), spans[0].offset);
            let mut frames = |frame: &mut Vec<u8>| next_frame(&mut reader, frame);
            judged = self.read_documents(RunReader::new(&mut frames, Some(part.size()))?)?;
            check_end(reader.offset(), spans[0])?;
            rest = others;
        }
        let spans = &spans[parts.len() - rest.len()..];
        let taken = self.choose(rest, &judged)?;
        let mut order: Vec<usize> = (0..taken.parts.len()).collect();
        // The largest first, so that no thread ends long after the others.
        order.sort_by_key(|index| std::cmp::Reverse(taken.parts[*index].size()));
        self.crew()
            .work(Some(file), |jobs| {
                for index in order {
                    let part = taken.parts[index];
                    if part == Part::End {
                        let offset = spans[index].offset;
                        let mut reader = FrameReader::new(buffered(file, offset), offset);
                        read_end(&mut reader)?;
                        check_end(reader.offset(), spans[index])?;
                    } else if taken.wanted[index] {
                        let frames = JobFrames::File(spans[index]);
                        if jobs.send(Job { part, frames }).is_err() {
                            break;
                        }
                    } else {
                        (self.options.progress)(part.size());
                    }
                }
                Ok(())
            })
            .map(|ready| self.count(ready))
    }

    fn read_stream(
        &mut self,
        mut reader: FrameReader<Box<dyn std::io::Read + Send>>,
        first: Span,
    ) -> Result<Ready, ArchiveError> {
        let parts = parts(self.head);
        let mut spans = vec![first];
        let mut judged = Judged::default();
        let mut rest = &parts[..];
        if let [part @ Part::Documents { .. }, others @ ..] = &parts[..] {
            let offset = reader.offset();
            let mut frames = |frame: &mut Vec<u8>| next_frame(&mut reader, frame);
            judged = self.read_documents(RunReader::new(&mut frames, Some(part.size()))?)?;
            let length = reader.offset() - offset;
            spans.push(Span { offset, length });
            rest = others;
        }
        let taken = self.choose(rest, &judged)?;
        let options = self.options;
        let ready = self.crew().work(None, |jobs| {
            for (part, wanted) in taken.parts.iter().zip(&taken.wanted) {
                let offset = reader.offset();
                if *part == Part::End {
                    read_end(&mut reader)?;
                } else if *wanted {
                    if !hand_over(&mut reader, *part, jobs)? {
                        return Ok(());
                    }
                } else {
                    pass_over(&mut reader, *part)?;
                    (options.progress)(part.size());
                }
                let length = reader.offset() - offset;
                spans.push(Span { offset, length });
            }
            check_index(&mut reader, &spans)
        })?;
        Ok(self.count(ready))
    }

    const fn crew(&self) -> Crew<'a, '_> {
        Crew {
            transaction: self.transaction,
            progress: self.options.progress,
        }
    }

    fn count(&mut self, ready: Ready) -> Ready {
        self.report.imported = ready.entries.len();
        self.report.supplements = ready.supplements.values().map(Vec::len).sum();
        ready
    }

    fn read_documents(&mut self, mut run: RunReader<'_>) -> Result<Judged, ArchiveError> {
        let mut texts = Vec::new();
        for part in &self.head.environments {
            let path = layout::environment_path(part);
            let bytes = run.document(&path, part.size, part.fingerprint.0)?;
            texts.push((part.fingerprint, bytes));
        }
        let asked = self.options.environment;
        let mut judged = judge::environments(self.head, &texts, asked)?;
        for (fingerprint, bytes) in &texts {
            if judged.environments.contains(fingerprint) {
                let path = PathBuf::from(format!("environments/{fingerprint}"));
                let is_claim = false;
                self.documents.stage(Document { path, is_claim }, bytes)?;
                self.report.environments.push(*fingerprint);
            }
        }
        for part in &self.head.claims {
            let path = layout::claim_path(part);
            let bytes = run.document(&path, part.size, part.digest)?;
            let name = part.name.to_string();
            let wanted = judge::claim(&mut judged, self.head, &name, &bytes, asked)?;
            if wanted && self.options.kinds.contains(&part.name.kind.as_str()) {
                let document = Document {
                    path: part.name.path(),
                    is_claim: true,
                };
                self.documents.stage(document, &bytes)?;
            }
        }
        run.finish()?;
        judge::nothing_more(&judged, self.head)?;
        Ok(judged)
    }

    /// Chooses what is read: what is wanted and the store does not have, whole.
    fn choose<'h>(
        &mut self,
        parts: &[Part<'h>],
        judged: &Judged,
    ) -> Result<Taken<'h>, ArchiveError> {
        judge::nothing_more(judged, self.head)?;
        let lacking = self
            .head
            .needs
            .iter()
            .filter(|entry| judged.wanted.contains(*entry) && !self.store.has_entry(entry));
        let lacking: Vec<EntryRef> = lacking.cloned().collect();
        if !lacking.is_empty() {
            return Err(ArchiveError::Needs(lacking));
        }
        let environments = judged.environments.iter().map(|it| it.0);
        self.store.pin(environments)?;
        let mut known = BTreeSet::new();
        let mut wanted = Vec::with_capacity(parts.len());
        for part in parts {
            wanted.push(match part {
                Part::Entry(EntryPart { entry, .. }) => {
                    let asked = judged.wanted.contains(entry);
                    self.report.entries += usize::from(asked);
                    known.extend(asked.then_some(entry));
                    asked && !self.store.has_intact(entry)
                }
                Part::Supplement(SupplementPart { entry, label, .. }) => {
                    // Bytecode is what no fingerprint proves.
                    self.options.environment.is_none()
                        && known.contains(entry)
                        && !self.store.has_supplement(entry.entry, label)
                }
                Part::Documents { .. } | Part::End => true,
            });
        }
        let chosen = parts.iter().zip(&wanted);
        let sizes = chosen
            .filter(|(_, wanted)| **wanted)
            .map(|(part, _)| part.size());
        let needed = sizes.fold(0_u64, u64::saturating_add);
        self.report.bytes = needed;
        match self.store.dir().free_space() {
            Ok(Some(free)) if free < needed => Err(ArchiveError::Space { needed, free }),
            _ => Ok(Taken {
                parts: parts.to_vec(),
                wanted,
            }),
        }
    }

    fn publish(self, ready: Ready) -> Result<ImportReport, ArchiveError> {
        let Self {
            store,
            transaction,
            documents,
            mut report,
            ..
        } = self;
        let own: BTreeMap<_, _> = ready
            .entries
            .iter()
            .map(|ready| (ready.entry.entry, &ready.manifest))
            .collect();
        for (entry, derived) in ready.supplements.values().flatten() {
            match own.get(&entry.entry) {
                Some(own) => work::fits(entry, own, &derived.manifest)?,
                None => work::fits(entry, &store.manifest(entry.entry)?, &derived.manifest)?,
            }
        }
        let CommitReport { quarantined, .. } = transaction.commit(ready.entries)?;
        report.quarantined = quarantined;
        for (label, supplements) in ready.supplements {
            transaction.commit_supplements(&label, supplements)?;
        }
        let published = documents.publish()?;
        report.claims = published.claims;
        report.contradicted = published.contradicted;
        Ok(report)
    }
}
