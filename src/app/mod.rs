//! Applications on the server: routes, pages, commands.
