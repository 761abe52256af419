//! Calls to a model whose body is a form with files.

use deltallm_dialects::multipart::{self, Form, FormScanner};
use deltallm_shared::error::{ApiError, ErrorCode};
use http::header;
use pingora::proxy::Session;

use super::{Gateway, Stop};
use crate::{
    call::Upload,
    context::RequestContext,
    net::spool::UploadedBody,
    stages::{read_body::BodyError, read_upload::read_upload, receive::Received},
};

impl Gateway {
    /// read_body: a form, as it comes.
    pub(super) async fn read_form(&self, session: &mut Session, context: &mut RequestContext) -> Result<Upload, Stop> {
        let content_type = session.req_header().headers.get(header::CONTENT_TYPE).cloned();
        let content_type = content_type.ok_or_else(no_form)?;
        let boundary = content_type.to_str().ok().and_then(multipart::boundary).ok_or_else(no_form)??;
        let received = context.received.as_ref().ok_or_else(no_form)?;
        let (body, form) = self.scan_form(session, received, &boundary).await?;
        context.is_body_read = true;
        Ok(Upload { body, form, content_type })
    }

    async fn scan_form(
        &self,
        session: &mut Session,
        received: &Received,
        boundary: &str,
    ) -> Result<(UploadedBody, Form), Stop> {
        let mut scanner = FormScanner::new(boundary);
        let client = session.as_downstream_mut();
        let look = |piece: &[u8]| scanner.push(piece);
        let body = read_upload(client, received, &self.uploads, &self.client, look).await?;
        let form = scanner.finish().map_err(BodyError::Refused)?;
        Ok((body, form))
    }
}

fn no_form() -> ApiError {
    let text = "Send the body as `content-type: multipart/form-data` with a boundary.";
    ApiError::new(ErrorCode::UnsupportedMediaType, text)
}
