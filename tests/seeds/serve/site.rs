//! An application in the making, without what a configuration adds: [`Draft`].

use sockeye::app::{App, Logged, Params, Route, RouteError, Service};
use std::marker::PhantomData;

/// Takes routes as the program's does.
pub(super) struct Draft<'c> {
    app: App,
    // The program's has its configuration.
    config: PhantomData<&'c ()>,
}

impl Draft<'_> {
    pub(super) const fn new(app: App) -> Self {
        let config = PhantomData;
        Self { app, config }
    }

    pub(super) fn route<S: Service<User: Default>>(
        mut self,
        route: Result<Route, RouteError>,
        make: impl Fn(&Params) -> S + Send + Sync + 'static,
    ) -> Self {
        self.app = self.app.route(route, move |params| Logged(make(params)));
        self
    }

    pub(super) fn into_app(self) -> App {
        self.app
    }
}
