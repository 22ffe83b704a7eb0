//! Runs in containers (`run.wrap`): whether the words fit, and what of the
//! configuration reaches inside.

use autoresearch_config::{Config, Confine, Layers};
use autoresearch_core::trial::Protection;
use autoresearch_run::Job;
use autoresearch_run::container::{Enclosure, Wrapper};

use crate::bench::Order;
use crate::error::EngineError;
use crate::places::Places;

/// What the wrapper of a configuration is.
fn wrapper(config: &Config) -> Result<Wrapper, EngineError> {
    Ok(Wrapper::of(config.run.wrap.as_deref().unwrap_or_default())?)
}

/// Checks that trials can run in the wrapper, and be confined as they must.
pub(crate) fn check(config: &Config) -> Result<(), EngineError> {
    let level = match config.run.protection {
        Confine::Best | Confine::Unprotected => None,
        Confine::Restricted => Some(Protection::Restricted),
        Confine::Sandboxed => Some(Protection::Sandboxed),
    };
    match level {
        Some(level) if wrapper(config)?.is_container() => Err(EngineError::WrapIsNoSandbox(level)),
        _ => wrapper(config).map(drop),
    }
}

/// Whether runs are processes of another's: of the container tool's service.
pub(crate) fn is_container(config: &Config) -> bool {
    wrapper(config).is_ok_and(|wrapper| wrapper.is_container())
}

/// What is worth knowing of it before a session begins.
pub(crate) fn note(config: &Config) -> Option<String> {
    is_container(config).then(|| {
        "runs are in a container (`run.wrap`), outside of the sandbox: what protects is the container's own isolation, and their protection is recorded as `unprotected`".to_owned()
    })
}

/// Puts the wrapper before a trial's command. What runs in a container runs
/// outside of the sandbox: the client needs its socket or its own namespaces.
pub(crate) fn enclose(
    config: &Config,
    places: &Places,
    session: &str,
    order: &Order<'_>,
    job: &mut Job,
) -> Result<(), EngineError> {
    let Some(words) = &config.run.wrap else { return Ok(()) };
    let wrapper = wrapper(config)?;
    let out = places.out(order.number, order.trial);
    let enclosure = Enclosure {
        session,
        experiment: order.number,
        trial: order.trial,
        out: &out,
        memory: config.run.memory.map(|bytes| bytes.0),
        processes: processes_asked_for(config),
    };
    wrapper.enclose(words, job, &enclosure);
    if wrapper.is_container() {
        job.confinement.protection = Protection::Unprotected;
    }
    Ok(())
}

/// Ends the containers that a dead engine left running; how many.
pub(crate) fn sweep(config: &Config, places: &Places, session: &str) -> Result<u32, EngineError> {
    // A wrapper that is refused has started none.
    let Ok(wrapper) = wrapper(config) else { return Ok(0) };
    let folder = places.folder();
    Ok(autoresearch_run::sweep_containers(&wrapper, session, &config.run.env, &folder)?)
}

/// The journal keeps every value, its origin not: one that is not the default
/// was asked for. A container has no limit of its own unless asked.
fn processes_asked_for(config: &Config) -> Option<u64> {
    let asked = config.run.processes;
    let default = Layers::new().text("run.processes");
    (default != Some(asked.to_string())).then_some(asked)
}
