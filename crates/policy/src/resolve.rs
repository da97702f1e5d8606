//! Lays the settings of a partial policy over the values of a whole one.

use std::time::Duration;

use crate::class::{Class, ClassSet};
use crate::error::Findings;
use crate::inherit::Setting;
use crate::partial::NotYet;
use crate::written::{Scalar, Written};

/// What was written for a value, to be turned into the value.
pub(crate) trait Read {
    type Value;

    /// The value, or `None` after noting what is wrong with it.
    fn read(&self, path: &str, findings: &mut Findings) -> Option<Self::Value>;
}

impl Findings {
    /// Puts what `setting` says at `place`; `off` is the value that stands for "off", if any does.
    pub(crate) fn lay<T: Read>(
        &mut self,
        path: &str,
        setting: &Setting<T>,
        place: &mut T::Value,
        off: Option<T::Value>,
    ) {
        let value = match setting {
            Setting::Unset => None,
            Setting::Off => {
                if off.is_none() {
                    self.add(path, "cannot be switched off");
                }
                off
            }
            Setting::Set(written) => written.read(path, self),
        };
        if let Some(value) = value {
            *place = value;
        }
    }

    /// Puts what `setting` says of a clock at `place`. A clock of 0 would run out at once.
    pub(crate) fn lay_clock(
        &mut self,
        path: &str,
        setting: &Setting<Written<Duration>>,
        place: &mut Option<Duration>,
    ) {
        let mut time = Duration::MAX;
        self.lay(path, setting, &mut time, Some(Duration::MAX));
        match (setting, time) {
            (Setting::Off, _) => *place = None,
            (Setting::Set(_), Duration::ZERO) => {
                self.add(path, "must not be 0; to switch the clock off, write \"off\"");
            }
            // Not understood, which has been noted.
            (Setting::Unset, _) | (Setting::Set(_), Duration::MAX) => {}
            (Setting::Set(_), time) => *place = Some(time),
        }
    }

    /// Refuses a value for something that is not built yet.
    pub(crate) fn refuse(&mut self, path: &str, setting: &Setting<NotYet>) {
        if let Setting::Set(_) = setting {
            self.add(path, "is not available yet; leave it out, or write \"off\"");
        }
    }
}

impl<T: Scalar> Read for Written<T> {
    type Value = T;

    fn read(&self, path: &str, findings: &mut Findings) -> Option<T> {
        Written::read(self).map_err(|message| findings.add(path, message)).ok()
    }
}

impl Read for Vec<Written<Class>> {
    type Value = ClassSet;

    fn read(&self, path: &str, findings: &mut Findings) -> Option<ClassSet> {
        let mut classes = ClassSet::EMPTY;
        for (n, class) in self.iter().enumerate() {
            match class.value() {
                Ok(class) => classes.insert(*class),
                Err(message) => findings.add(format!("{path}[{n}]"), message),
            }
        }
        Some(classes)
    }
}

impl Read for Vec<String> {
    type Value = Vec<String>;

    fn read(&self, path: &str, findings: &mut Findings) -> Option<Vec<String>> {
        for (n, name) in self.iter().enumerate() {
            if name.trim().is_empty() {
                findings
                    .add(format!("{path}[{n}]"), "must not be empty; write the name of a group");
            }
        }
        Some(self.clone())
    }
}
