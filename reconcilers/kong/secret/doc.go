// Package secret keeps values from being seen that nobody may see: in plans, in Kong's
// tags, and in what Kong repeats of a request that it refuses.
//
// In: secrets, and the key of the state directory. Out: digests, by which it can be told
// that a secret is another one and nothing else (Seal, Veil), and texts without secrets
// (Without).
package secret
