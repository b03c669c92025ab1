//! What accounts do that nobody asks them for.

use super::{keys::Bucket, testing};
use crate::store::{Batch, Fields, Name};

#[tokio::test]
async fn all_that_has_expired_is_collected_however_much_it_is() {
    let accounts = testing::accounts().await;
    let mut batch = Batch::new(Bucket::all().next().unwrap().slot());
    for number in 0..2_500 {
        batch.put_until(Name::new(number.to_string()), Fields::new(), 0);
    }
    accounts.store.commit(batch).await.unwrap();
    accounts.collect_expired().await.unwrap();
    assert_eq!(accounts.store.collect_expired(accounts.now().as_millis()).await.unwrap(), 0, "some were left");
}
