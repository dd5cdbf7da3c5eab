//! Whole listings, begun anew when Gong refuses a cursor on the way: cursors live an hour and cannot
//! be taken up again.

use tracing::warn;

use crate::gong::endpoint::Request;
use crate::gong::{self, Client, ErrorKind, Listing, Page};

/// How often a listing is begun anew before it counts as failed.
pub(super) const RESTARTS_MAX: u32 = 3;

/// All pages of a listing that is short enough to hold.
pub(super) async fn all(client: &Client, request: &Request) -> Result<Vec<Page>, gong::Error> {
    collect(client, request, Vec::new(), client.listing(request.clone())).await
}

/// All pages of a listing whose first page is there already.
pub(super) async fn rest(
    client: &Client,
    request: &Request,
    first: Page,
    listing: Listing,
) -> Result<Vec<Page>, gong::Error> {
    collect(client, request, vec![first], listing).await
}

async fn collect(
    client: &Client,
    request: &Request,
    mut pages: Vec<Page>,
    mut listing: Listing,
) -> Result<Vec<Page>, gong::Error> {
    let mut restarts = 0;
    loop {
        match listing.next().await {
            Ok(Some(page)) => pages.push(page),
            Ok(None) => return Ok(pages),
            Err(error) if error.kind() == ErrorKind::CursorRefused && restarts < RESTARTS_MAX => {
                restarts += 1;
                warn!(
                    event = "listing_restarted",
                    request = request.label(),
                    restarts,
                    "listing begun anew, its cursor was refused"
                );
                pages.clear();
                listing = client.listing(request.clone());
            }
            Err(error) => return Err(error),
        }
    }
}
