//! Writing the members of indexes, and how many each has.

use redb::{Error, ReadableTable, ReadableTableMetadata, Table};

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

    /// How many members an index has.
    ///
    /// # Errors
    /// [`Error::Corrupted`] when that is no number.
    pub(super) fn size(&self, index: &str) -> Result<i64, Error> {
        read_size(&self.sizes, index)
    }

    fn resize(&mut self, index: &str, by: i64) -> Result<(), Error> {
        let size = self.size(index)? + by;
        set_size(&mut self.sizes, index, size)
    }

    /// Makes sure of the sizes of all indexes: they are counted anew where they do not add up to all members there are.
    /// So they are in a file that has been without them, or that an older version, which knew of none, has written to.
    pub(super) fn measure(&mut self) -> Result<(), Error> {
        if self.sum_of_sizes()? == Some(self.members.len()?) {
            return Ok(());
        }
        self.sizes.retain(|_, _| false)?;
        let (mut index, mut size) = (String::new(), 0);
        for entry in self.members.iter()? {
            let key = entry?.0;
            let (found, _) = key.value();
            if found != index {
                set_size(&mut self.sizes, &index, size)?;
                found.clone_into(&mut index);
                size = 0;
            }
            size += 1;
        }
        set_size(&mut self.sizes, &index, size)
    }

    /// None where one of them is no number.
    fn sum_of_sizes(&self) -> Result<Option<u64>, Error> {
        let mut sum = 0_u64;
        for entry in self.sizes.iter()? {
            let size = read_number(entry?.1.value()).and_then(|size| u64::try_from(size).ok());
            let Some(size) = size.filter(|size| *size > 0) else { return Ok(None) };
            sum = sum.saturating_add(size);
        }
        Ok(Some(sum))
    }
}

fn set_size(sizes: &mut Table<'_, &'static str, &'static [u8]>, index: &str, size: i64) -> Result<(), Error> {
    if size > 0 {
        sizes.insert(index, size.to_string().as_bytes())?;
    } else {
        sizes.remove(index)?;
    }
    Ok(())
}

/// How many members an index has.
///
/// # Errors
/// [`Error::Corrupted`] when that is no number.
pub(super) fn read_size(sizes: &impl ReadableTable<&'static str, &'static [u8]>, index: &str) -> Result<i64, Error> {
    let Some(size) = sizes.get(index)? else { return Ok(0) };
    let no_number = || Error::Corrupted(format!("the number of members of {index}"));
    read_number(size.value()).filter(|size| *size > 0).ok_or_else(no_number)
}
