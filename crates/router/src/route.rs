//! How a request is put to a deployment: as it is, or in the words of another API.

use http::Uri;
use http::uri::{InvalidUri, PathAndQuery};
use secondwind_llm::dialect::{Dialect, Endpoint};
use secondwind_llm::translate::{Translate, over};

/// How one endpoint is asked of one deployment.
#[derive(Debug)]
pub(crate) struct Route {
    /// What the caller asks.
    asked: Endpoint,
    /// What the provider is asked.
    pub(crate) spoken: Endpoint,
    /// Where.
    uri: Uri,
    /// Where, for an answer that is streamed.
    uri_of_streams: Uri,
    /// What lies between the two, where they are not the same.
    pub(crate) translate: Option<&'static dyn Translate>,
}

/// What callers can ask.
const ENDPOINTS: [Endpoint; 5] = [
    Endpoint::ChatCompletions,
    Endpoint::Completions,
    Endpoint::Embeddings,
    Endpoint::Responses,
    Endpoint::Messages,
];

/// All that a deployment can be asked which is at `base`, speaks `dialect` and calls its model `model`.
pub(crate) fn routes(
    dialect: &dyn Dialect,
    model: &str,
    base: &Uri,
) -> Result<Vec<Route>, InvalidUri> {
    let has = |endpoint| dialect.endpoint_path(endpoint, model, false).is_some();
    let mut routes = Vec::new();
    for asked in ENDPOINTS {
        let (spoken, translate) = if has(asked) {
            (asked, None)
        } else if let Some((spoken, translate)) = over(asked, has) {
            (spoken, Some(translate))
        } else {
            continue;
        };
        let path = |stream| dialect.endpoint_path(spoken, model, stream).unwrap_or_default();
        let (whole, streamed) = (path(false), path(true));
        // What was joined once is shared: large configurations have thousands of deployments.
        let before = routes.iter().find(|route: &&Route| route.spoken == spoken);
        let (uri, uri_of_streams) = match before {
            Some(Route { uri, uri_of_streams, .. }) => (uri.clone(), uri_of_streams.clone()),
            None => {
                let uri = joined(base, &whole)?;
                let streams =
                    if whole == streamed { uri.clone() } else { joined(base, &streamed)? };
                (uri, streams)
            }
        };
        routes.push(Route { asked, spoken, uri, uri_of_streams, translate });
    }
    Ok(routes)
}

// === impl Route ===

impl Route {
    pub(crate) fn is_for(&self, asked: Endpoint) -> bool {
        self.asked == asked
    }

    /// Where the request goes.
    pub(crate) const fn uri(&self, stream: bool) -> &Uri {
        if stream { &self.uri_of_streams } else { &self.uri }
    }
}

/// The address with a path after it; the address's own query stays, before that of the path.
pub(crate) fn joined(base: &Uri, path: &str) -> Result<Uri, InvalidUri> {
    let (path, query) =
        path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut joined = base.path().trim_end_matches('/').to_owned();
    joined.push_str(path);
    for (query, mark) in base.query().into_iter().chain(query).zip(['?', '&']) {
        joined.push(mark);
        joined.push_str(query);
    }
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(joined.parse::<PathAndQuery>()?);
    // The parts were those of a URI, and still are.
    Ok(Uri::from_parts(parts).unwrap_or_else(|_| base.clone()))
}

#[cfg(test)]
mod tests {
    use secondwind_llm::dialect::{Anthropic, Azure, Gemini, OpenAi, OpenAiChat};

    use super::*;

    /// Where each endpoint goes, as a whole and as a stream.
    fn table(dialect: &dyn Dialect, base: &str) -> Vec<String> {
        let routes = routes(dialect, "m 1", &base.parse().unwrap()).unwrap();
        let line = |route: &Route| {
            let how = if route.translate.is_some() { "~>" } else { "->" };
            let Route { asked, spoken, uri, uri_of_streams, .. } = route;
            let streams =
                if uri == uri_of_streams { String::new() } else { format!(" {uri_of_streams}") };
            format!("{asked:?} {how} {spoken:?} {uri}{streams}")
        };
        routes.iter().map(line).collect()
    }

    #[test]
    fn what_a_provider_has_is_asked_as_it_is_and_the_rest_in_its_words() {
        assert_eq!(
            table(&OpenAi, "https://a.example/v1"),
            [
                "ChatCompletions -> ChatCompletions https://a.example/v1/chat/completions",
                "Completions -> Completions https://a.example/v1/completions",
                "Embeddings -> Embeddings https://a.example/v1/embeddings",
                "Responses -> Responses https://a.example/v1/responses",
                "Messages ~> ChatCompletions https://a.example/v1/chat/completions",
            ]
        );
        assert_eq!(
            table(&OpenAiChat, "https://a.example/v1/")[3..],
            [
                "Responses ~> ChatCompletions https://a.example/v1/chat/completions",
                "Messages ~> ChatCompletions https://a.example/v1/chat/completions",
            ]
        );
        assert_eq!(
            table(&Anthropic, "https://a.example"),
            [
                "ChatCompletions ~> Messages https://a.example/v1/messages",
                "Responses ~> Messages https://a.example/v1/messages",
                "Messages -> Messages https://a.example/v1/messages",
            ]
        );
        let whole = "https://a.example/v1beta/models/m%201:generateContent";
        let streamed = "https://a.example/v1beta/models/m%201:streamGenerateContent?alt=sse";
        assert_eq!(
            table(&Gemini, "https://a.example/v1beta"),
            [
                format!("ChatCompletions ~> GenerateContent {whole} {streamed}"),
                format!("Responses ~> GenerateContent {whole} {streamed}"),
                format!("Messages ~> GenerateContent {whole} {streamed}"),
            ]
        );
    }

    #[test]
    fn an_address_keeps_its_query() {
        let azure = table(&Azure, "https://a.example/openai/deployments/y?api-version=2");
        let at = "https://a.example/openai/deployments/y";
        assert_eq!(
            azure[0],
            format!("ChatCompletions -> ChatCompletions {at}/chat/completions?api-version=2")
        );
        let base = "https://a.example/x?a=1".parse().unwrap();
        assert_eq!(joined(&base, "/y?b=2").unwrap(), "https://a.example/x/y?a=1&b=2");
    }
}
