// Package batch puts calls that come at the same time into one run, such as requests of
// several clients into one forward pass of a model.
//
// Nobody waits for others to come unless Options.Wait says so: the first call of an idle
// Batcher runs at once and alone, and the calls that come while it runs are the next run.
// So a batch grows with the load, and without load there is none.
//
// Libraries that gather calls (go.vallahaye.net/batcher, google.golang.org/api's bundler,
// the data loaders of GraphQL servers) wait for a time or a number, whether or not
// something runs, and leave a run that fails to whoever called. Here the run before is the
// time to gather, and a call that makes a run fail costs the others no more than time.
package batch
