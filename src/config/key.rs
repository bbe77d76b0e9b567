//! What a setting is called in each source. Flags, environment, file and the
//! reference page all read this, so that none of them can drift from the others.

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Path in the TOML file, such as `grpc.listen`.
    pub name: &'static str,
    /// Flag without its dashes, such as `grpc-listen`.
    pub flag: &'static str,
    /// Environment variable, such as `STEELYARD_GRPC_LISTEN`.
    pub variable: &'static str,
    /// Whether it takes a value.
    pub shape: Shape,
    /// What it takes, with unit and range, such as "16 to 65536, MiB".
    pub takes: &'static str,
    /// Value where nothing is given. `None`: there is none.
    pub default: Option<&'static str>,
    /// What it is for, in sentences.
    pub meaning: &'static str,
}

/// How a flag is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `--flag VALUE`, with this placeholder in the help text.
    Value(&'static str),
    /// `--flag` alone; `true` or `false` in the file and the environment.
    Switch,
}
