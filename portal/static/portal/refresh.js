// Looks again while a key is being created or revoked, unless the page is in the background.
const again = () => (document.hidden ? setTimeout(again, 3000) : location.reload());
setTimeout(again, 3000);
