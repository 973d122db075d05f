//! How well a server did: four grades.
//!
//! Not here: who deserves which.

/// From best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    /// As the row says.
    Exact,
    /// It refused, but not in these words.
    Closed,
    /// It accepted or ignored what must be refused.
    Lax,
    /// It lost, changed or repeated something, said nothing, or refused what is right.
    Wrong,
}

pub(crate) const GRADES: [Grade; 4] = [Grade::Exact, Grade::Closed, Grade::Lax, Grade::Wrong];

impl Grade {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Closed => "closed",
            Self::Lax => "lax",
            Self::Wrong => "wrong",
        }
    }

    /// A verdict with this grade, and what was seen.
    pub(crate) fn of(self, got: impl Into<String>) -> Verdict {
        Verdict {
            grade: self,
            got: got.into(),
        }
    }
}

/// What a server did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) grade: Grade,
    pub(crate) got: String,
}
