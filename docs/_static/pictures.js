// Pictures of several panels scroll in a box of their own where the page is narrow.
addEventListener("load", () => {
  for (const picture of document.querySelectorAll(".bd-article img")) {
    if (picture.naturalWidth > 1.7 * picture.naturalHeight && picture.naturalWidth > 600) {
      const box = document.createElement("span");
      box.className = "wide-picture";
      picture.replaceWith(box);
      box.append(picture);
    }
  }
});
