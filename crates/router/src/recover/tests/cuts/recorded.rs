//! The recorded streams, and where they are broken.

use std::path::Path;

use fastrand::Rng;

use crate::testing::{Heard, Shape};

/// A recorded stream, and what a second deployment says to the same request.
pub(super) struct Recorded {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) first: Heard,
    /// The same under other ids.
    pub(super) same: Second,
    /// Another text.
    pub(super) other: Second,
}

pub(super) struct Second {
    pub(super) bytes: Vec<u8>,
    pub(super) heard: Heard,
}

/// The recorded streams of a dialect, and what a caller is told of them.
pub(super) fn recorded(folder: &str, shape: &Shape, told: fn(Heard) -> Heard) -> Vec<Recorded> {
    let streams = Path::new(env!("CARGO_MANIFEST_DIR")).join("../llm/testdata/streams");
    let files = std::fs::read_dir(streams.join(folder)).unwrap();
    let hear = |text: String| {
        let heard = told(Heard::of(text.as_bytes(), shape));
        assert!(heard.is_whole(&heard.text), "{heard:?} of {text}");
        Second { bytes: text.into_bytes(), heard }
    };
    let mut all: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let said = Heard::of(text.as_bytes(), shape);
            let ids = said.ids.iter().chain(&said.items).enumerate();
            let same =
                ids.fold(text.clone(), |text, (at, id)| text.replace(id, &format!("another-{at}")));
            let other = shape.reworded(&text);
            let Second { bytes, heard: first } = hear(text);
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            Recorded { name, bytes, first, same: hear(same), other: hear(other) }
        })
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!all.is_empty(), "{folder} has no streams");
    all
}

/// At how many places a stream is broken beside its events' ends.
const ANYWHERE: usize = 100;

// === impl Recorded ===

impl Recorded {
    /// Where it is broken: at its beginning, behind each event, and at a hundred places anywhere.
    pub(super) fn offsets(&self) -> Vec<usize> {
        let bytes = &self.bytes;
        let ends = |at: &usize| {
            let before = &bytes[..*at];
            before.ends_with(b"\n\n") || before.ends_with(b"\r\n\r\n") || before.is_empty()
        };
        let mut offsets: Vec<_> = (0..=bytes.len()).filter(ends).collect();
        assert!(offsets.len() > 1, "{} has no events", self.name);
        let mut random = Rng::with_seed(bytes.len() as u64);
        offsets.extend((0..ANYWHERE).map(|_| random.usize(1..bytes.len())));
        offsets
    }
}
