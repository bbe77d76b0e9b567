//! The disk beneath a directory: what it holds for certain, and what may or may
//! not have reached it when the power goes.
//!
//! | | certain | uncertain |
//! |---|---|---|
//! | content and length of a file | as of its last `fsync` or `fdatasync` | what was written since, sector by sector |
//! | a name | once every directory that it concerns was synced after | otherwise, in the order made |
//!
//! A file synced under a name that was not is lost with the name: stricter than
//! ext4, as strict as POSIX. A rename happens whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::file::File;
use super::log::Record;
use super::survival::Survival;

/// Index of a node; names lead to these, inode numbers only while the process runs.
type Node = usize;
type Names = BTreeMap<Vec<u8>, Node>;

const ROOT: Node = 0;

/// The disk.
pub struct Disk {
    nodes: Vec<Kind>,
    by_inode: HashMap<u64, Node>,
    changes: Vec<Change>,
    operations: usize,
}

enum Kind {
    File(File),
    Directory {
        /// As the disk was when the process began.
        first: Names,
        /// As the process sees it.
        now: Names,
    },
}

/// A change of names.
struct Change {
    operation: usize,
    /// Directories that have to be synced for it to be certain.
    waits_for: Vec<Node>,
    removed: Option<(Node, Vec<u8>)>,
    added: Option<(Node, Vec<u8>, Node)>,
}

impl Disk {
    /// The disk as a directory is, all of it certain.
    pub fn of(root: &Path) -> Self {
        let mut disk = Self { nodes: Vec::new(), by_inode: HashMap::new(), changes: Vec::new(), operations: 0 };
        disk.read(root);
        disk
    }

    fn read(&mut self, path: &Path) -> Node {
        let status = fs::symlink_metadata(path).expect("a file of the disk must be there");
        let node = self.nodes.len();
        self.by_inode.insert(status.ino(), node);
        if status.is_dir() {
            self.nodes.push(Kind::Directory { first: Names::new(), now: Names::new() });
            let names: Names = names(path).map(|(name, path)| (name, self.read(&path))).collect();
            self.nodes[node] = Kind::Directory { first: names.clone(), now: names };
        } else {
            self.nodes.push(Kind::File(File::of(fs::read(path).expect("a file of the disk must be readable"))));
        }
        node
    }

    /// Performs what was recorded.
    pub fn replay(&mut self, records: &[Record]) {
        for record in records {
            self.operations += 1;
            self.perform(record);
        }
    }

    fn node(&self, inode: u64) -> Node {
        *self.by_inode.get(&inode).expect("a record must be of a file that is known")
    }

    fn file(&mut self, inode: u64) -> &mut File {
        let node = self.node(inode);
        match &mut self.nodes[node] {
            Kind::File(file) => file,
            Kind::Directory { .. } => panic!("a directory must not be written to"),
        }
    }

    fn names(&mut self, node: Node) -> &mut Names {
        match &mut self.nodes[node] {
            Kind::Directory { now, .. } => now,
            Kind::File(_) => panic!("a file must not hold names"),
        }
    }

    fn perform(&mut self, record: &Record) {
        let operation = self.operations;
        match record {
            Record::Create { file, directory, parent, name } => {
                let node = self.nodes.len();
                self.nodes.push(if *directory {
                    Kind::Directory { first: Names::new(), now: Names::new() }
                } else {
                    Kind::File(File::of(Vec::new()))
                });
                self.by_inode.insert(*file, node);
                let parent = self.node(*parent);
                self.change(vec![parent], None, Some((parent, name.clone(), node)));
            }
            Record::Link { file, parent, name } => {
                let (node, parent) = (self.node(*file), self.node(*parent));
                self.change(vec![parent], None, Some((parent, name.clone(), node)));
            }
            Record::Remove { parent, name } => {
                let parent = self.node(*parent);
                self.change(vec![parent], Some((parent, name.clone())), None);
            }
            Record::Rename { from, old, to, new } => {
                let (from, to) = (self.node(*from), self.node(*to));
                let node = *self.names(from).get(old).expect("a renamed name must be there");
                self.change(vec![from, to], Some((from, old.clone())), Some((to, new.clone(), node)));
            }
            Record::Write { file, offset, bytes } => self.file(*file).write(operation, *offset, bytes),
            Record::Resize { file, length } => self.file(*file).resize(operation, *length),
            Record::Sync { file } => {
                let node = self.node(*file);
                if let Kind::File(file) = &mut self.nodes[node] {
                    file.sync();
                } else {
                    self.changes.iter_mut().for_each(|change| change.waits_for.retain(|other| *other != node));
                }
            }
            Record::Deaf { .. } | Record::Cut { .. } => {}
        }
    }

    fn change(&mut self, waits_for: Vec<Node>, removed: Option<(Node, Vec<u8>)>, added: Option<(Node, Vec<u8>, Node)>) {
        if let Some((directory, name)) = &removed {
            self.names(*directory).remove(name).expect("a removed name must be there");
        }
        if let Some((directory, name, node)) = &added {
            self.names(*directory).insert(name.clone(), *node);
        }
        self.changes.push(Change { operation: self.operations, waits_for, removed, added });
    }

    /// Where the record and the directory that the process left differ: something passed the shim by.
    pub fn difference(&self, root: &Path) -> Option<String> {
        self.differs(ROOT, root)
    }

    fn differs(&self, node: Node, path: &Path) -> Option<String> {
        match &self.nodes[node] {
            Kind::File(file) => {
                let found = fs::read(path).unwrap_or_default();
                (found != file.now()).then(|| {
                    let (there, recorded) = (found.len(), file.now().len());
                    format!("{}: {there} bytes there, {recorded} recorded, or others", path.display())
                })
            }
            Kind::Directory { now, .. } => {
                let found: BTreeMap<_, _> = names(path).collect();
                if !found.keys().eq(now.keys()) {
                    return Some(format!("{}: other names than recorded", path.display()));
                }
                found.iter().find_map(|(name, path)| self.differs(now[name], path))
            }
        }
    }

    /// Operations after which something uncertain was done.
    fn uncertain(&self) -> Vec<usize> {
        let names = self.changes.iter().filter(|change| !change.waits_for.is_empty()).map(|change| change.operation);
        let files = self.nodes.iter().flat_map(|node| match node {
            Kind::File(file) => file.uncertain(),
            Kind::Directory { .. } => Vec::new(),
        });
        let mut operations: Vec<_> = names.chain(files).collect();
        operations.sort_unstable();
        operations
    }

    /// Writes into the empty directory `target` what the disk holds after the cut.
    pub fn after_the_cut(&self, survival: &mut Survival, target: &Path) {
        survival.begin(&self.uncertain());
        let mut names: HashMap<Node, Names> = HashMap::new();
        for (node, kind) in self.nodes.iter().enumerate() {
            if let Kind::Directory { first, .. } = kind {
                names.insert(node, first.clone());
            }
        }
        let all = "only directories must hold names";
        for change in &self.changes {
            if change.waits_for.is_empty() || survival.keeps_name(change.operation) {
                if let Some((directory, name)) = &change.removed {
                    names.get_mut(directory).expect(all).remove(name);
                }
                if let Some((directory, name, node)) = &change.added {
                    names.get_mut(directory).expect(all).insert(name.clone(), *node);
                }
            }
        }
        self.materialise(ROOT, &names, survival, target);
    }

    fn materialise(&self, directory: Node, all: &HashMap<Node, Names>, survival: &mut Survival, target: &Path) {
        for (name, node) in &all[&directory] {
            let path = target.join(OsStr::from_bytes(name));
            match &self.nodes[*node] {
                Kind::File(file) => fs::write(&path, file.after_the_cut(survival)).expect("the disk must be writable"),
                Kind::Directory { .. } => {
                    fs::create_dir(&path).expect("the disk must be writable");
                    self.materialise(*node, all, survival, &path);
                }
            }
        }
    }
}

fn names(directory: &Path) -> impl Iterator<Item = (Vec<u8>, std::path::PathBuf)> {
    let entries = fs::read_dir(directory).expect("a directory of the disk must be readable");
    entries.map(|entry| {
        let entry = entry.expect("a directory of the disk must be readable");
        (entry.file_name().as_bytes().to_vec(), entry.path())
    })
}
