package ens

// Sizes are what the resolver holds in memory.
func (r *Resolver) Sizes() (cached, pending, queued int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cache.Len(), len(r.pending), len(r.queue)
}
