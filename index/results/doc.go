// Package results turns the ranking of a search into what a person wants to see: near-
// duplicates are folded into the first one of them, the hits are diverse or grouped by
// a payload field, hits below a score are left out, and a cursor asks for the next
// page. It works over any index.Store and any order of its items.
//
// The steps have an order: the ranking, best first and equal scores by ascending id;
// MinScore ends it; near-duplicates are folded; the rest are listed, grouped or chosen
// by maximal marginal relevance; K of them are a page. A search looks at as many hits
// as that takes, so that K stay K.
package results
