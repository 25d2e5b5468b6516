//! Relay process, browser, page, person, stage.

mod behind;
mod cdp;
mod chrome;
mod element;
mod eyes;
mod files;
mod hands;
mod keyboard;
mod microphone;
mod organisation;
mod page;
mod patience;
mod person;
mod places;
mod relay;
mod seek;
mod stage;
mod wasm_module;
mod watch;

pub use chrome::{Chrome, Look, Theme};
pub use element::Element;
pub use files::bytes_below;
pub use keyboard::Key;
pub use organisation::Organisation;
pub use page::Page;
pub use patience::{Patience, eventually};
pub use person::{Line, Person};
pub use places::Places;
pub use relay::{Relay, RelayPlan, RelayPort};
pub use seek::{
    Sought, button, heading, item, labelled, line, link, list, log, menu_item, option, radio, region, status,
    textbox,
};
pub use stage::Stage;
pub use wasm_module::WasmModule;
pub use watch::{Frame, Watch};
