//! One element of a page, as the accessibility tree named it.

use serde_json::Value;

/// A handle that is valid until the page replaces the element.
#[derive(Clone, Debug)]
pub struct Element {
    /// Its role.
    pub role: String,
    /// Its accessible name.
    pub name: String,
    /// What it says beyond its name (a text box's content).
    pub value: String,
    pub(crate) backend: u64,
    disabled: bool,
    editable: bool,
}

impl Element {
    /// Reads a node of `Accessibility.queryAXTree`; `None` for what assistive technology does not see.
    pub(crate) fn read(node: &Value) -> Option<Self> {
        if node["ignored"] == true {
            return None;
        }
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        let property = |name: &str| {
            node["properties"]
                .as_array()
                .and_then(|all| all.iter().find(|property| property["name"] == name))
                .map(|property| property["value"]["value"].clone())
                .unwrap_or_default()
        };
        Some(Self {
            role: text(&node["role"]),
            name: text(&node["name"]),
            value: text(&node["value"]),
            backend: node["backendDOMNodeId"].as_u64()?,
            disabled: property("disabled") == true,
            editable: property("editable").is_string(),
        })
    }

    /// Whether it can be used now.
    pub fn is_enabled(&self) -> bool {
        !self.disabled
    }

    /// Whether text can be typed into it.
    pub fn is_editable(&self) -> bool {
        self.editable
    }
}
