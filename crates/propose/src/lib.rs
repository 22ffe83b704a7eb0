//! Who proposes: the queue, the embedded search, any command.
