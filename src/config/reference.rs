//! The reference page of all settings, made from the keys so that it cannot be out of date.

use std::fmt::Write;

use super::CONCERNS;
use super::key::{Key, Shape};

const HEAD: &str = "\
# Configuration

This page is made by `steelyard config reference`; a test keeps it so. `steelyard config show` prints the value in
force of every setting and where it comes from.

A setting may be given in four places. Each overrules those before it:

1. its default;
2. a TOML file, named by `--config FILE` or `STEELYARD_CONFIG`;
3. its environment variable (an empty one counts as not set);
4. its flag.

Settings are read once, before any port is bound. If anything is wrong the server does not start: it names every
wrong setting with its value, where it was given and what would be right, and ends with exit code 64. A name that is no
setting is wrong too, in the file or as a variable that begins with `STEELYARD_`.

A complete file:

";

const TAIL: &str = "
## Variables of the commands

| variable | meaning |
|---|---|
| `STEELYARD_SERVER` | Server that `list`, `explain`, `compare`, `import`, `backup` and `health` connect to. Default `http://127.0.0.1:50051`. |
| `STEELYARD_SERVER_CA` | PEM file of the authority that vouches for an `https://` server. |
| `STEELYARD_TOKEN` | Token that commands send. There is no flag for it: others on the machine can read those. |
| `STEELYARD_TOKEN_FILE` | File that holds the token. |
| `STEELYARD_CLIENT_CERTIFICATE`, `STEELYARD_CLIENT_KEY` | PEM files of the certificate and key that commands show. |
| `STEELYARD_PURPOSE` | Purpose code that commands state. |
| `STEELYARD_CONFIG` | TOML file with the settings of `serve`. |
| `NO_COLOR` | If set and not empty, tables have no colours. |
";

/// The page, in Markdown.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("```toml\n");
    page.push_str(&example());
    page.push_str("```\n");
    for concern in CONCERNS {
        let _ = write!(page, "\n## {}\n", concern.title);
        for key in concern.keys {
            page.push_str(&entry(key));
        }
    }
    page.push_str(TAIL);
    page
}

fn entry(key: &Key) -> String {
    let default = key.default.map_or_else(|| "none".to_owned(), |text| format!("`{text}`"));
    let flag = match key.shape {
        Shape::Value(placeholder) => format!("--{} {placeholder}", key.flag),
        Shape::Switch => format!("--{}", key.flag),
    };
    format!(
        "\n### `{}`\n\n{}\n\n| takes | default | flag | environment |\n|---|---|---|---|\n| {} | {default} | `{flag}` | `{}` |\n",
        key.name, key.meaning, key.takes, key.variable
    )
}

/// A file that names every key: those without a default as examples, commented out.
fn example() -> String {
    let mut roots = String::new();
    let mut tables = String::new();
    let mut current = "";
    for key in CONCERNS.iter().flat_map(|concern| concern.keys) {
        let (table, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        let line = match key.default {
            Some(text) if text.parse::<u64>().is_ok() || text.parse::<bool>().is_ok() => format!("{name} = {text}\n"),
            Some(text) => format!("{name} = \"{text}\"\n"),
            None => format!("# {name} = \"\"   # {}\n", key.takes),
        };
        if table.is_empty() {
            roots.push_str(&line);
            continue;
        }
        if table != current {
            let _ = write!(tables, "\n[{table}]\n");
            current = table;
        }
        tables.push_str(&line);
    }
    roots + &tables
}
