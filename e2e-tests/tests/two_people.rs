//! The whole way: from the link the relay prints to two people who have compared their safety number.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chopar_e2e::harness::{Organisation, Patience, Person, Stage, button, heading, item, labelled, list};

/// P-031, T-016.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_talk_both_ways_and_compare_their_safety_number() -> Result<()> {
    Stage::play("two_people", play).await
}

async fn play(stage: Arc<Stage>) -> Result<()> {
    let organisation = Organisation::found(&stage).await?;
    let owner = organisation.owner("Dilnoza Karimova", "dilnoza").await?;
    let member = organisation.member(&owner, "Bek Tursunov", "bek").await?;
    owner.until_connection("Online").await?;
    member.until_connection("Online").await?;

    // Somebody who was never written to learns nothing: until the member opens the conversation the relay has the message.
    owner.start_chat("bek").await?;
    owner.say("Assalomu alaykum, Bek aka").await?;
    let row = item("Dilnoza Karimova").within(list("Conversations"));
    member.page().find_within(&row, Patience::LONG).await?;
    let list = member.page().everything().await?;
    ensure!(
        list.contains("Assalomu alaykum"),
        "the list shows the last line: {list}"
    );
    owner.until_state("Assalomu alaykum", "Sent").await?;
    ensure!(
        owner.state("Assalomu alaykum").await? == "Sent",
        "nobody has opened it yet"
    );
    member.open_chat("Dilnoza Karimova").await?;
    let line = member.until_sees("Assalomu alaykum, Bek aka").await?;
    ensure!(
        line.0
            .starts_with("Dilnoza Karimova, Assalomu alaykum, Bek aka, "),
        "sender, text, time: {line:?}"
    );
    owner.until_state("Assalomu alaykum", "Read").await?;

    // Delivered is not read: the member looks at something else.
    member.open("/settings").await?;
    member.until_connection("Online").await?;
    owner.say("Yig‘ilish soat o‘nda").await?;
    owner.until_state("Yig‘ilish", "Delivered").await?;
    ensure!(
        owner.state("Yig‘ilish").await? == "Delivered",
        "nobody has read it yet"
    );
    member.open_chat("Dilnoza Karimova").await?;
    owner.until_state("Yig‘ilish", "Read").await?;

    // Both ways, several in a row, and at the same moment.
    member.say("Va alaykum assalom").await?;
    let line = owner.until_sees("Va alaykum assalom").await?;
    ensure!(line.0.starts_with("Bek Tursunov, "), "{line:?}");
    let turns = ["choy 1", "choy 2", "choy 3", "choy 4"];
    for turn in turns {
        let (one, other) = (format!("D: {turn}"), format!("B: {turn}"));
        let (a, b) = tokio::join!(owner.say(&one), member.say(&other));
        a.and(b)?;
    }
    for turn in turns {
        owner.until_sees(&format!("B: {turn}")).await?;
        member.until_sees(&format!("D: {turn}")).await?;
    }
    for person in [&owner, &member] {
        for side in ["D", "B"] {
            let lines = person.lines().await?;
            let order: Vec<usize> = turns
                .iter()
                .filter_map(|turn| {
                    lines
                        .iter()
                        .position(|line| line.says(&format!("{side}: {turn}")))
                })
                .collect();
            ensure!(
                order.len() == turns.len() && order.is_sorted(),
                "{}: {side} out of order: {lines:?}",
                person.name
            );
            ensure!(
                person.count(&format!("{side}: ")).await? == turns.len(),
                "{}: once each",
                person.name
            );
        }
    }
    owner.until_state("D: choy 4", "Read").await?;
    member.until_state("B: choy 4", "Read").await?;

    // What looks like markup is text like any other.
    let markup =
        "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script> **so**";
    owner.say(markup).await?;
    member.until_sees(markup).await?;
    for person in [&owner, &member] {
        let title = person.page().evaluate("document.title").await?;
        ensure!(title != "taken", "{}: the text was run", person.name);
    }

    // The same sixty digits on both screens, and the mark after comparing.
    let (here, there) = (
        owner.safety_number("Bek Tursunov").await?,
        member.safety_number("Dilnoza Karimova").await?,
    );
    ensure!(here == there, "the safety numbers differ: {here} and {there}");
    ensure!(
        here.split(' ').count() == 12 && here.split(' ').all(|group| group.len() == 5),
        "twelve fives: {here}"
    );
    // And the same in their codes, as a camera would read them: version, own half, the other's half.
    let (hers, his) = (shown_code(&owner).await?, shown_code(&member).await?);
    let halves = |code: &[u8]| {
        code.get(6..38)
            .zip(code.get(42..74))
            .map(|(own, other)| [own, other].map(<[u8]>::to_vec))
    };
    let [hers, mut his] =
        [halves(&hers), halves(&his)].map(|halves| halves.context("the code is no safety number's"));
    if let Ok(his) = &mut his {
        his.reverse();
    }
    ensure!(hers? == his?, "the codes fit crosswise");
    owner.page().click(&button("Mark as verified")).await?;
    owner.page().until_gone(&button("Mark as verified")).await?;
    owner.page().reload().await?;
    owner
        .page()
        .find_within(&heading("Safety number"), Patience::LONG)
        .await?;
    ensure!(
        !owner.page().has(&button("Mark as verified")).await?,
        "the mark is kept over a reload"
    );
    ensure!(
        owner.page().everything().await?.contains("Verified"),
        "and said in words"
    );
    Ok(())
}

/// What a camera reads in the code on a person's page.
async fn shown_code(person: &Person) -> Result<Vec<u8>> {
    /// Paints the code into a canvas, eight pixels a module: its side, and one byte for each pixel, in base64.
    const PIXELS: &str = "(() => {
  const code = document.querySelector('svg.qr[role=img]');
  const side = code.viewBox.baseVal.width * 8;
  const paper = new OffscreenCanvas(side, side).getContext('2d');
  paper.fillStyle = 'white';
  paper.fillRect(0, 0, side, side);
  paper.fillStyle = 'black';
  paper.scale(8, 8);
  paper.fill(new Path2D(code.querySelector('path').getAttribute('d')));
  const rgba = paper.getImageData(0, 0, side, side).data;
  const grey = Uint8Array.from({ length: side * side }, (_, at) => rgba[4 * at]);
  return { side, grey: grey.toBase64?.() ?? btoa(Array.from(grey, (byte) => String.fromCharCode(byte)).join('')) };
})()";
    person
        .page()
        .find_within(&labelled("QR code of the safety number"), Patience::LONG)
        .await?;
    let painted = person.page().evaluate(PIXELS).await?;
    let side = usize::try_from(painted["side"].as_u64().context("no side")?)?;
    let grey = STANDARD.decode(painted["grey"].as_str().context("no pixels")?)?;
    ensure!(grey.len() == side * side, "{} pixels for {side}", grey.len());
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| grey[y * side + x]);
    let grids = picture.detect_grids();
    let [grid] = grids.as_slice() else {
        anyhow::bail!("{} codes are shown", grids.len());
    };
    let mut payload = Vec::new();
    grid.decode_to(&mut payload)?;
    Ok(payload)
}
