// cypress-mailpit is published for bundlers: its modules import one another without ".js", and are not said to be modules.
const ours = (url) => Boolean(url?.includes("/cypress-mailpit/"));

export const resolve = (specifier, context, next) =>
  next(ours(context.parentURL) && !specifier.endsWith(".js") ? `${specifier}.js` : specifier, context);

export const load = (url, context, next) => next(url, ours(url) ? { ...context, format: "module" } : context);
