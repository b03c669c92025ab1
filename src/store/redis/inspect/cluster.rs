//! The cluster: whether it is one, and whether all of it is there.

use super::{Answer, Facts};
use crate::store::{Check, Finding};

/// The number of slots of a cluster.
const SLOTS: u64 = 16_384;

/// Nothing, when neither we nor the server speak of a cluster.
pub(super) fn state(facts: &Facts) -> Option<Finding> {
    if !facts.is_node {
        let is_node = facts.info("cluster_enabled") == Ok("1");
        return is_node.then(|| {
            Finding::error(Check::ClusterState, "a node of a cluster, taken for a server of its own")
                .mend("use a URL that begins with redis-cluster or rediss-cluster")
        });
    }
    Some(match served(facts) {
        Ok(("ok", SLOTS)) => Finding::ok(Check::ClusterState, "all slots are served"),
        Ok((state, served)) => {
            let found = format!("cluster_state is {state}, and {served} of {SLOTS} slots are served");
            Finding::warning(Check::ClusterState, found)
                .mend("redis-cli --cluster check on any node, and --cluster fix when a node will not come back")
        }
        Err(unanswered) => unanswered.unknown(Check::ClusterState),
    })
}

/// The state, and how many slots somebody serves. One that a single node finds silent is served until others agree.
fn served(facts: &Facts) -> Answer<(&str, u64)> {
    let [assigned, failed] = ["cluster_slots_assigned", "cluster_slots_fail"].map(|name| facts.cluster_number(name));
    Ok((facts.cluster("cluster_state")?, assigned?.saturating_sub(failed?)))
}
