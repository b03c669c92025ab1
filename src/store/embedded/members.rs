//! Writing the members of indexes, and how many each has.

use redb::{Error, ReadableTable, ReadableTableMetadata};

use super::tables::{Tables, read_number};

impl Tables<'_> {
    pub(super) fn delete_index(&mut self, index: &str) -> Result<(), Error> {
        let mut members = Vec::new();
        for entry in self.members.range((index, "")..)? {
            let key = entry?.0;
            let (found, member) = key.value();
            if found != index {
                break;
            }
            members.push(member.to_owned());
        }
        for member in &members {
            self.take(index, member)?;
        }
        self.sizes.remove(index)?;
        Ok(())
    }

    pub(super) fn add(&mut self, index: &str, member: &str, score: i64) -> Result<(), Error> {
        let is_new = !self.take(index, member)?;
        self.members.insert((index, member), score)?;
        self.scores.insert((index, score, member), ())?;
        if is_new { self.resize(index, 1) } else { Ok(()) }
    }

    pub(super) fn remove(&mut self, index: &str, member: &str) -> Result<(), Error> {
        if self.take(index, member)? { self.resize(index, -1) } else { Ok(()) }
    }

    /// Takes a member out of an index, whose size is left as it is, and answers whether it was there.
    fn take(&mut self, index: &str, member: &str) -> Result<bool, Error> {
        let score = self.members.remove((index, member))?.map(|score| score.value());
        if let Some(score) = score {
            self.scores.remove((index, score, member))?;
        }
        Ok(score.is_some())
    }

    fn resize(&mut self, index: &str, by: i64) -> Result<(), Error> {
        let size = self.sizes.get(index)?.and_then(|size| read_number(size.value())).unwrap_or_default() + by;
        if size > 0 {
            self.sizes.insert(index, size.to_string().as_bytes())?;
        } else {
            self.sizes.remove(index)?;
        }
        Ok(())
    }

    /// Finds out the sizes of all indexes, in a file that has been without them.
    pub(super) fn measure(&mut self) -> Result<(), Error> {
        if !self.sizes.is_empty()? {
            return Ok(());
        }
        let (mut index, mut size) = (String::new(), 0_u64);
        for entry in self.members.iter()? {
            let key = entry?.0;
            let (found, _) = key.value();
            if found != index {
                found.clone_into(&mut index);
                size = 0;
            }
            size += 1;
            self.sizes.insert(found, size.to_string().as_bytes())?;
        }
        Ok(())
    }
}
