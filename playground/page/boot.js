/** Starts the joined page: unpacks its script, whose hash is in the page's policy, and adds it. */
async function boot() {
  const packed = document.getElementById("embedded-script").textContent;
  const bytes = Uint8Array.from(atob(packed.trim()), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  Object.assign(script, {type: "module", id: "page-script"});
  script.textContent = await new Response(unpacked).text();
  document.head.append(script);
}

boot().catch((error) => {
  const notice = document.getElementById("notice");
  notice.textContent = `This browser cannot run the page: ${error.message}`;
  notice.hidden = false;
});
