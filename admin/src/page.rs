//! Lists in pages: `?limit=&cursor=`, where the cursor is the key of the last row seen.
//!
//! A keyset, not an offset: rows that come or go between two pages neither repeat nor hide others.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::error::AdminError;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 500;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// The rows.
    pub data: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// How many rows, and from where on.
#[derive(Debug)]
pub struct Window<K> {
    limit: i64,
    /// The key of the last row of the page before.
    pub after: Option<K>,
}

impl<K: Serialize + DeserializeOwned> Window<K> {
    /// Checks what the caller asked for.
    pub fn new(limit: Option<i64>, cursor: Option<&str>) -> Result<Self, AdminError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(AdminError::invalid("limit", format!("`limit` must be between 1 and {MAX_LIMIT}.")));
        }
        let after = match cursor {
            None | Some("") => None,
            Some(text) => Some(decode(text).ok_or_else(|| {
                AdminError::invalid(
                    "cursor",
                    "`cursor` is not one that this list gave out; leave it away for the first page.",
                )
            })?),
        };
        Ok(Self { limit, after })
    }

    /// One row more than the page holds, to see whether another page follows.
    pub fn fetch_limit(&self) -> i64 {
        self.limit + 1
    }

    /// Cuts what was fetched to the page, and names where the next one starts.
    pub fn page<R, T: ToSchema>(&self, mut rows: Vec<R>, key: impl Fn(&R) -> K, view: impl Fn(R) -> T) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if has_more { rows.last().map(|row| encode(&key(row))) } else { None };
        Page { data: rows.into_iter().map(view).collect(), next_cursor }
    }
}

fn encode<K: Serialize>(key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

fn decode<K: DeserializeOwned>(text: &str) -> Option<K> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The part of a list's query that every list has.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Rows per page, 1 to 500; 50 if absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Only rows whose name, or whatever else a person would know them by, contains this text.
    pub q: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_next_one_only_where_rows_remain() {
        let window = Window::<u32>::new(Some(2), None).unwrap();
        let page = window.page(vec![1_u32, 2, 3], |row| *row, |row| row.to_string());
        assert_eq!(page.data, ["1", "2"]);
        let next = Window::<u32>::new(Some(2), page.next_cursor.as_deref()).unwrap();
        assert_eq!(next.after, Some(2));
        assert!(next.page(vec![3_u32], |row| *row, |row| row.to_string()).next_cursor.is_none());
    }

    #[test]
    fn limits_and_cursors_out_of_range_are_refused() {
        assert!(Window::<u32>::new(Some(0), None).is_err());
        assert!(Window::<u32>::new(Some(501), None).is_err());
        assert!(Window::<u32>::new(None, Some("nonsense")).is_err());
    }
}
