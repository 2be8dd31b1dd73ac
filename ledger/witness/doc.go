// Package witness is both ends of the C2SP tlog-witness protocol.
//
// Witness is a witness of logs: it remembers the newest head of each log that it cosigned,
// cosigns a head only if that one continues the one it remembers, and never two heads of one
// size. What it remembers is on disk before anybody sees the cosignature. Server serves it
// over HTTP.
//
// Gatherer is the log's end: it sends the newest head to the witnesses of a policy, checks
// what comes back, and hands the ledger a head as soon as a quorum has cosigned it. A witness
// that is away, slow, wrong or rolled back costs nothing but its own cosignature. One that
// can show a head which this log signed and does not hold proves that the log's disk was
// rolled back or forked, and ends Run with a *Contradiction.
//
// A witness is told the head of the log and hashes of its tree, which are public, and nothing else.
package witness
