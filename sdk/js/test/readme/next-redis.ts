import { Latchkey } from '@latchkey/next'

declare const redis: { set(key: string, value: number, options: { EX: number }): Promise<unknown>; get(key: string): Promise<string | null> }

export const { auth, handlers, proxy } = Latchkey({
  revocations: {
    set: (key, at, ttl) => redis.set(key, at, { EX: ttl }),
    get: async (key) => Number(await redis.get(key)) || undefined,
  },
})
