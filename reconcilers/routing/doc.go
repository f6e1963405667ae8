// Package routing decides which route takes a request, as Kong 3.9 does with its
// router "traditional_compatible". It is the executable specification of what a
// route means: a gateway that renders the same routes must decide alike. explain
// answers from it, and the stand-in for Kong routes by it; no request of a real
// gateway passes here.
//
// In go routes in Kong's terms and a request; out comes a Decision: the route that
// wins and the path that the upstream gets, or the status that the gateway answers
// itself. The package does no I/O and holds no state.
//
// A route matches when each of its categories does: methods, hosts, headers, paths,
// snis. A category that is left out takes everything. The paths of a route count as
// if there were a route for each length of plain paths and one for all regular
// expressions. Of those that match wins the first by:
//
//  1. four categories or five (then the number of categories decides next, and 2 and 3 don't count);
//  2. only plain hosts, before wildcards or no hosts at all;
//  3. a regular expression, before plain paths;
//  4. the number of categories;
//  5. the number of headers; among regular expressions regex_priority is mixed into it, as
//     if each header were two steps of regex_priority in the same bits;
//  6. the longest plain path;
//  7. the greater id, where a route that was split by its paths has other ids.
//
// Kong's documentation puts the number of categories first, and then headers. That
// is what it means to do; Route.rank tells why it does something else, and the
// recorded answers of a real one agree with it.
//
// Other surprises: a plain path is a prefix by characters, so "/api" takes "/apix";
// hosts are compared letter by letter, with no regard for the port of the Host
// header; the values of headers ignore case; a regular expression is tied to the
// start of the path and not to its end.
package routing
