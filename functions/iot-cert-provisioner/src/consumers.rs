//! Who a regional cluster's consumers are, for a Maestro that nobody outside its network can reach: a job inside reads this secret and
//! registers them.
//!
//! ```json
//! {"consumers": [{"name": "mc01", "labels": {"cluster_type": "management", "cluster_id": "mc01", "region": "us-east-1"}}]}
//! ```

use common::{
    domain::{
        certificate::Identity,
        id::{Digest, quoted},
    },
    fault::Fault,
    ports::Vault,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

/// The secret's name.
pub fn name(server: &Identity) -> String {
    format!("{}-maestro-consumers", server.name)
}

/// Its text for these agents.
pub fn text(agents: &[Identity]) -> String {
    let one = |agent: &Identity| {
        let labels = json!({"cluster_type": "management", "cluster_id": agent.name, "region": agent.home.region});
        json!({"name": agent.name, "labels": labels})
    };
    json!({"consumers": agents.iter().map(one).collect::<Vec<_>>()}).to_string()
}

/// Writes it, when it differs.
///
/// # Errors
/// As the port; `Reject` when the secret says it is somebody else's.
pub async fn write<V: Vault>(vault: &V, server: &Identity, agents: &[Identity]) -> Result<(), Fault> {
    let (name, owner, text) = (name(server), server.cluster.to_string(), text(agents));
    let current = match vault.secret(&name).await? {
        Some(facts) if facts.owner.as_deref() != Some(owner.as_str()) => {
            let found = facts.owner.as_deref().map_or_else(|| "nobody".to_owned(), |owner| quoted(owner, 120));
            return Err(Fault::reject(format!("the secret {name} belongs to {found}, not to {owner}")));
        }
        Some(facts) if facts.leaving => {
            vault.restore(&name).await?;
            facts.current
        }
        Some(facts) => facts.current,
        None if agents.is_empty() => return Ok(()),
        None => {
            vault.create(&name, &owner).await?;
            None
        }
    };
    let found = match &current {
        Some(version) => vault.text(&name, version).await?,
        None => None,
    };
    if found.is_some_and(|found| found.expose_secret() == text) {
        return Ok(());
    }
    // A text that was there before, and is there again, is another version: a version's name is of one text and one predecessor.
    let version = Digest::of_parts(["penstock-consumers", current.as_deref().unwrap_or_default(), &text]).to_string();
    vault.put(&name, &version, &SecretString::from(text)).await
}
