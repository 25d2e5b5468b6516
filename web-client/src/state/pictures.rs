//! Small pictures that came from others: shown only where their first bytes say that they are pictures, and small ones.

use std::sync::{Mutex, PoisonError};

use chopar_e2ee::group::limits::MAX_PICTURE;
use chopar_engine::{Answer, Intent, Map};
use chopar_wire::AccountId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use web_sys::Blob;

use super::App;

use crate::platform::blobs::{self, ObjectUrl};
use crate::view_model::{PictureKind, picture_size};

/// Longest side of a small picture, in pixels: one that says more was made by no client.
const MAX_SMALL: u32 = 512;

/// The address of a picture, held by whoever shows it.
pub(crate) type PictureUrl = SendWrapper<ObjectUrl>;

/// The pictures of groups that are shown somewhere.
#[derive(Default)]
pub(crate) struct Pictures(Mutex<Map<AccountId, ArcRwSignal<Option<PictureUrl>>>>);

impl Pictures {
    fn known(&self, group: AccountId) -> Option<ArcRwSignal<Option<PictureUrl>>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&group).cloned()
    }

    /// Holds nothing any more.
    pub(super) fn forget(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for picture in all.into_values() {
            picture.set(None);
        }
    }
}

impl App {
    /// The picture of a group; asked for where it is not known yet.
    pub(crate) fn group_picture(self, group: AccountId) -> ArcRwSignal<Option<PictureUrl>> {
        if let Some(known) = self.pictures.known(group) {
            return known;
        }
        let picture = ArcRwSignal::new(None);
        self.pictures
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(group, picture.clone());
        self.picture_changed(group);
        picture
    }

    /// Somebody changed a group: its picture is asked for again where it is shown.
    pub(super) fn picture_changed(self, group: AccountId) {
        let Some(picture) = self.pictures.known(group) else {
            return;
        };
        spawn_local(async move {
            let asked = Intent::GroupPicture { conversation: group };
            // Where it is not known now it stays as it was; the page of the group says what is the matter.
            if let Answer::GroupPicture(bytes) = self.client.ask(asked).await {
                picture.set(small_picture(&bytes, MAX_PICTURE));
            }
        });
    }
}

/// A picture of at most `bytes_max` bytes; none where it is larger than a client makes one, or no picture.
pub(crate) fn small_picture(bytes: &[u8], bytes_max: usize) -> Option<PictureUrl> {
    let (kind, width, height) = picture_size(bytes)?;
    (bytes.len() <= bytes_max && width <= MAX_SMALL && height <= MAX_SMALL).then_some(())?;
    typed(&blobs::of_bytes(bytes).ok()?, kind).map(SendWrapper::new)
}

/// Its address, as what it is, whatever it was said to be.
pub(crate) fn typed(blob: &Blob, kind: PictureKind) -> Option<ObjectUrl> {
    let kind = match kind {
        PictureKind::Jpeg => "image/jpeg",
        PictureKind::Png => "image/png",
        PictureKind::Gif => "image/gif",
        PictureKind::Webp => "image/webp",
    };
    let blob = blob.slice_with_f64_and_f64_and_content_type(0.0, blob.size(), kind);
    ObjectUrl::of(&blob.ok()?)
}
