//! Which variables of the environment a job gets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Names that are a secret or the way to one.
const NAMES: &[&str] = &[
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "SSH_CONNECTION",
    "GPG_AGENT_INFO",
    "GNOME_KEYRING_CONTROL",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "XAUTHORITY",
    "KUBECONFIG",
    "DOCKER_HOST",
    "NETRC",
    "PGPASSFILE",
    "DATABASE_URL",
    "REDIS_URL",
    "MONGODB_URI",
    "SENTRY_DSN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
];
const BEGINNINGS: &[&str] = &["AWS_", "AZURE_", "VAULT_"];
const WORDS: &[&str] = &["SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL"];
/// Whole words between underscores. A `TOKENIZER` is none, and a number of
/// `TOKENS` neither.
const PARTS: &[&str] = &["TOKEN", "APIKEY", "PAT", "AUTH", "PASS", "COOKIE"];
const KEYS: &[&str] =
    &["API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "SIGNING_KEY", "ENCRYPTION_KEY", "DEPLOY_KEY"];

/// Whether a variable of this name looks like a secret: no run gets it.
pub fn is_secret(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    NAMES.contains(&name.as_str())
        || BEGINNINGS.iter().any(|start| name.starts_with(start))
        || WORDS.iter().any(|word| name.contains(word))
        || KEYS.iter().any(|key| name.ends_with(key))
        || name.split('_').any(|part| PARTS.contains(&part))
}

/// What a job gets: of what is inherited what is no secret, and on top of it
/// what is set for it.
pub(crate) fn environment_of(
    inherited: impl Iterator<Item = (OsString, OsString)>,
    keep_secrets: bool,
    set: &BTreeMap<String, String>,
) -> BTreeMap<OsString, OsString> {
    inherited
        .filter(|(name, _)| keep_secrets || !is_secret(name))
        .chain(set.iter().map(|(name, value)| (name.into(), value.into())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tokens_and_passwords_are_secrets_and_tokenizers_are_not() {
        for secret in [
            "OPENAI_API_KEY",
            "anthropic_api_key",
            "HF_TOKEN",
            "GITHUB_TOKEN",
            "WANDB_API_KEY",
            "AWS_PROFILE",
            "MYSQL_PASSWORD",
            "CLIENT_SECRET",
            "SECRET_KEY_BASE",
            "SSH_AUTH_SOCK",
            "DBUS_SESSION_BUS_ADDRESS",
            "TOKEN",
        ] {
            assert!(is_secret(secret.as_ref()), "{secret}");
        }
        for harmless in [
            "PATH",
            "HOME",
            "TOKENIZERS_PARALLELISM",
            "MAX_TOKENS",
            "KEYBOARD",
            "PYTHONPATH",
            "SORT_KEY",
            "AUTORESEARCH_TRIAL",
            "OMP_NUM_THREADS",
        ] {
            assert!(!is_secret(harmless.as_ref()), "{harmless}");
        }
    }

    #[test]
    fn what_is_set_for_a_job_it_gets_and_an_inherited_secret_only_if_kept() {
        let inherited = || [("A_TOKEN", "1"), ("B", "2")].map(|(n, v)| (n.into(), v.into()));
        let set = BTreeMap::from([("C_TOKEN".to_owned(), "3".to_owned())]);
        let names = |keep| -> Vec<OsString> {
            environment_of(inherited().into_iter(), keep, &set).into_keys().collect()
        };
        assert_eq!(names(false), ["B", "C_TOKEN"]);
        assert_eq!(names(true), ["A_TOKEN", "B", "C_TOKEN"]);
    }
}
