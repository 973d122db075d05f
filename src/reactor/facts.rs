//! Facts of a session that are of one bit each, and together of one byte: [`Facts`].
//!
//! A session is as small as it can be, and of these none holds for most; so all of them are asked for at once.
//!
//! Not here: what is asked for by itself for each message; those are fields of `Flags`.

/// What may be so.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Fact {
    /// The peer has ended its side: read until the end, whatever the counts say.
    Hangup = 1,
    /// A ping of ours waits for its pong.
    Pinged = 2,
    /// Our side of the stream is finished.
    Finished = 4,
    /// It is in the loop's ready list.
    OnReadyList = 8,
    /// Its link wants to know where it is in what its server keeps.
    #[cfg(feature = "client")]
    Resumes = 16,
}

/// Which of them are so.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts(u8);

impl Facts {
    /// Whether any of them is so.
    #[inline]
    pub(super) const fn any(self) -> bool {
        self.0 != 0
    }

    #[inline]
    pub(super) const fn has(self, fact: Fact) -> bool {
        self.0 & fact as u8 != 0
    }

    #[inline]
    pub(super) const fn add(&mut self, fact: Fact) {
        self.0 |= fact as u8;
    }

    #[inline]
    pub(super) const fn remove(&mut self, fact: Fact) {
        self.0 &= !(fact as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::{Fact, Facts};

    #[test]
    fn each_fact_is_its_own() {
        let all = [
            Fact::Hangup,
            Fact::Pinged,
            Fact::Finished,
            Fact::OnReadyList,
            #[cfg(feature = "client")]
            Fact::Resumes,
        ];
        let mut facts = Facts::default();
        for (at, fact) in all.into_iter().enumerate() {
            assert!(!facts.has(fact));
            facts.add(fact);
            facts.add(fact);
            for (other, fact) in all.into_iter().enumerate() {
                assert_eq!(facts.has(fact), other <= at);
            }
        }
        for fact in all {
            assert!(facts.any());
            facts.remove(fact);
            assert!(!facts.has(fact));
        }
        assert!(!facts.any());
    }
}
