//! Tells whether a file is still the one that was read.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file, and what it was like when it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Stamped {
    path: PathBuf,
    /// `None` where there is no such file.
    stamp: Option<Stamp>,
}

/// What is another when a file is another: editors and config maps put a new one in its place.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    /// The device, the inode, and when that was changed, in seconds and nanoseconds.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

// === impl Stamped ===

impl Stamped {
    /// The file at `path` as it is now, whatever links lead there.
    pub(crate) fn new(path: &Path) -> Stamped {
        Stamped { path: path.to_owned(), stamp: fs::metadata(path).ok().map(|file| (&file).into()) }
    }

    /// The same path, as it is now.
    pub(crate) fn anew(&self) -> Stamped {
        Stamped::new(&self.path)
    }
}

impl From<&Metadata> for Stamp {
    fn from(file: &Metadata) -> Stamp {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Stamp {
            modified: file.modified().ok(),
            len: file.len(),
            #[cfg(unix)]
            inode: (file.dev(), file.ino(), file.ctime(), file.ctime_nsec()),
        }
    }
}
