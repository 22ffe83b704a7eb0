use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::{Confinement, Limits, LogLimit, Talk};

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn enclosed_with(wrapper: &str, memory: Option<u64>, processes: Option<u64>) -> Job {
    held_to(&[], wrapper, memory, processes)
}

fn held_to(cpus: &[usize], wrapper: &str, memory: Option<u64>, processes: Option<u64>) -> Job {
    let mut job = Job {
        id: "0123456789abcdef/4-2".into(),
        command: words("python train.py"),
        directory: "/repo/bench 1".into(),
        environment: BTreeMap::from([("AUTORESEARCH_SEED".into(), "3 4".into())]),
        stdin: None,
        talk: Talk::None,
        deadline_seconds: 1.0,
        grace_seconds: 1.0,
        quota: None,
        allowance_seconds: 0.0,
        cpus: cpus.to_vec(),
        take: autoresearch_core::metric::Take::Last,
        log: "log".into(),
        log_limit: LogLimit::default(),
        limits: Limits::default(),
        confinement: Confinement::default(),
        container: None,
        source: None,
        series: None,
        wanted: Vec::new(),
        result: "result".into(),
    };
    let enclosure = Enclosure {
        session: "0123456789abcdef",
        experiment: 4,
        trial: 2,
        out: Path::new("/repo/out/0004-2"),
        memory,
        processes,
    };
    let wrapper = words(wrapper);
    Wrapper::of(&wrapper).unwrap().enclose(&wrapper, &mut job, &enclosure);
    job
}

fn enclosed(wrapper: &str) -> Job {
    enclosed_with(wrapper, None, None)
}

/// The command as one line, with what every container gets as `…`.
fn line(job: &Job) -> String {
    job.command.join(" ").replace(
        "--name autoresearch-01234567-4-2 \
         --label autoresearch.session=0123456789abcdef \
         --label autoresearch.trial=autoresearch-01234567-4-2 \
         -e AUTORESEARCH_SEED",
        "…",
    )
}

#[test]
fn every_tool_gets_name_labels_and_variables_after_its_run() {
    for (wrapper, wanted) in [
        ("docker run image", "docker run … image"),
        (
            "docker run --rm -v .:/work -w /work image",
            "docker run … --rm -v .:/work -w /work image",
        ),
        (
            "/opt/bin/docker --context run run -it image",
            "/opt/bin/docker --context run run … -it image",
        ),
        (
            "docker -H tcp://h:1 --tls container run image",
            "docker -H tcp://h:1 --tls container run … image",
        ),
        ("podman --root /a --remote run image", "podman --root /a --remote run … image"),
        (
            "podman --cgroup-manager=cgroupfs run image",
            "podman --cgroup-manager=cgroupfs run … image",
        ),
        ("sudo -n nerdctl -n k8s.io run image", "sudo -n nerdctl -n k8s.io run …=3 4 image"),
        ("docker compose run --rm train", "docker compose run … -T --rm train"),
        ("docker compose run -T --rm train", "docker compose run … -T --rm train"),
        (
            "docker --context a compose -f run.yml -p run --dry-run run train",
            "docker --context a compose -f run.yml -p run --dry-run run … -T train",
        ),
        ("docker-compose -f a.yml run train", "docker-compose -f a.yml run … -T train"),
        ("podman-compose run train", "podman-compose run … -T train"),
    ] {
        assert_eq!(line(&enclosed(wrapper)), format!("{wanted} python train.py"), "{wrapper}");
    }
}

#[test]
fn a_container_is_found_asked_and_ended_by_the_tool_that_started_it() {
    for (wrapper, tool) in [
        ("docker --context x run image", "docker --context x"),
        ("sudo -n podman run image", "sudo -n podman"),
        ("docker -D compose -f a.yml run train", "docker -D"),
        ("docker-compose -f a.yml run train", "docker"),
        ("sudo podman-compose run train", "sudo podman"),
    ] {
        let container = enclosed(wrapper).container.unwrap();
        assert_eq!(container.name, "autoresearch-01234567-4-2");
        assert_eq!(
            container.ask.join(" "),
            format!("{tool} kill --signal TERM autoresearch-01234567-4-2")
        );
        assert_eq!(
            container.find.join(" "),
            format!(
                "{tool} ps --all --quiet --filter label=autoresearch.trial=autoresearch-01234567-4-2"
            )
        );
        let end: Vec<String> = container.end.iter().map(|words| words.join(" ")).collect();
        assert_eq!(end, [format!("{tool} kill"), format!("{tool} rm --force --volumes")]);
        let of_session = Wrapper::of(&words(wrapper)).unwrap().leftovers("id").unwrap();
        assert_eq!(of_session.find.last().unwrap(), "label=autoresearch.session=id");
    }
}

#[test]
fn limits_of_the_user_reach_inside_unless_the_wrapper_has_its_own() {
    let with = |wrapper| line(&enclosed_with(wrapper, Some(1 << 20), Some(50)));
    assert_eq!(
        with("docker run image"),
        "docker run … --memory 1048576 --pids-limit 50 image python train.py"
    );
    assert_eq!(
        with("docker run -m 2g --pids-limit=9 image"),
        "docker run … -m 2g --pids-limit=9 image python train.py"
    );
    assert_eq!(with("docker compose run train"), "docker compose run … -T train python train.py");
    // Whatever follows the image is for the program in it.
    assert_eq!(
        with("docker run image --memory 3 --name x -d"),
        "docker run … --memory 1048576 --pids-limit 50 image --memory 3 --name x -d python train.py"
    );
}

#[test]
fn places_in_the_wrapper_become_absolute_paths() {
    let job = enclosed("docker run -v {worktree}:/work -v {out}:{out}:rw image");
    assert!(job.command.contains(&"/repo/bench 1:/work".to_owned()));
    assert!(job.command.contains(&"/repo/out/0004-2:/repo/out/0004-2:rw".to_owned()));
}

#[test]
fn what_is_no_tool_of_its_own_is_put_before_the_command_as_it_is() {
    for (wrapper, wanted) in [
        ("apptainer exec --nv image.sif", Wrapper::Own),
        ("singularity -q run image.sif", Wrapper::Own),
        ("nice -n 10", Wrapper::Plain),
        ("my-docker run image", Wrapper::Plain),
        ("sudo", Wrapper::Plain),
        ("", Wrapper::Plain),
    ] {
        assert_eq!(Wrapper::of(&words(wrapper)), Ok(wanted), "{wrapper}");
        let job = enclosed(wrapper);
        assert_eq!(job.command, words(&format!("{wrapper} python train.py")));
        assert_eq!(job.container, None);
    }
}

#[test]
fn a_wrapper_that_cannot_wrap_trial_after_trial_is_refused_with_the_remedy() {
    let why = |wrapper| Wrapper::of(&words(wrapper)).unwrap_err().to_string();
    assert_eq!(
        why("docker run --rm --name train image"),
        "with `--name` the containers of all trials would have one name; leave it out, each gets a name of its own"
    );
    assert_eq!(why("podman run --name=train image"), BadWrapper::Named.to_string());
    for detached in
        ["docker run -d image", "docker run -itd image", "docker run --detach=true image"]
    {
        assert!(why(detached).contains("nobody waits"), "{detached}");
    }
    for none in [
        "docker",
        "docker exec box",
        "podman --root x",
        "docker compose up",
        "docker --context run",
    ] {
        assert!(why(none).contains("starts no container"), "{none}: {}", why(none));
    }
    assert!(why("docker -l info exec box").starts_with("`docker -l info exec` starts"));
    // Values are no flags.
    for fine in [
        "docker run -e -d image",
        "docker run -itv --name:/x image",
        "docker run -v--name:/x image",
    ] {
        assert!(matches!(Wrapper::of(&words(fine)), Ok(Wrapper::Tool(_))), "{fine}");
    }
}

proptest::proptest! {
    #[test]
    fn no_words_are_too_strange(all in proptest::collection::vec("docker|podman|sudo|compose|run|container|--?[a-zA-Z]{0,3}(=x)?|.{0,4}", 0..8)) {
        if let Ok(Wrapper::Tool(tool)) = Wrapper::of(&all) {
            proptest::prop_assert!(tool.flags_at <= all.len());
            proptest::prop_assert_eq!(all[tool.flags_at - 1].as_str(), "run");
        }
    }
}

#[test]
fn a_container_has_the_cpus_of_its_run_unless_the_user_says_which() {
    let with = |wrapper| line(&held_to(&[2, 5], wrapper, None, None));
    assert_eq!(with("docker run image"), "docker run … --cpuset-cpus 2,5 image python train.py");
    let own = "docker run … --cpuset-cpus=0 image python train.py";
    assert_eq!(with("docker run --cpuset-cpus=0 image"), own);
    assert!(!with("docker compose run service").contains("cpuset"));
}
