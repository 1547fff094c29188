import { createLogEncoder } from '../../pipelines/encode/otlp-logs/index.ts';
import { createFold } from '../../pipelines/fold/index.ts';
import { syntheticCharges } from './charges.ts';
const b = syntheticCharges(65536);
const t=process.cpuUsage(); const n=Number(process.argv[3]??20)
if (process.argv[2]==='fold') for (let i=0;i<n;i++){ const f=createFold({maxGroups:50000}); for (let k=0;k<4;k++) for (const x of b) f.add(x); }
else for (let i=0;i<n;i++){ const e=createLogEncoder({resource:{},observedMs:1,uidPrefix:'0123456789abcdef',scopeVersion:'1'}); for (let k=0;k<4;k++) for (const x of b) e.add(x); e.finish(); }
const u=process.cpuUsage(t); console.log(((u.user+u.system)/n/65.536/4).toFixed(0),'ns/row');
