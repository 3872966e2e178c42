// With an adapter `migrate diff` runs the engine that is in the npm package.
import { PrismaLibSQL } from '@prisma/adapter-libsql'
import { PrismaPg } from '@prisma/adapter-pg'
import { defineConfig } from 'prisma/config'

const { ENGINE, URL: url } = process.env
export default defineConfig({
  schema: 'now.prisma',
  engine: 'js',
  experimental: { adapter: true },
  adapter: async () => (ENGINE === 'postgres' ? new PrismaPg({ connectionString: url }) : new PrismaLibSQL({ url: 'file:' + url })),
})
