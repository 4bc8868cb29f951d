BEGIN TRANSACTION;
CREATE TABLE alerts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	incident INTEGER NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	starts_ms BIGINT NOT NULL, 
	ends_ms BIGINT, 
	status VARCHAR NOT NULL, 
	item VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	severity VARCHAR NOT NULL, 
	labels JSON NOT NULL, 
	annotations JSON NOT NULL, 
	first_received_ms BIGINT NOT NULL, 
	received_ms BIGINT NOT NULL, 
	n_received INTEGER NOT NULL, 
	unenriched VARCHAR NOT NULL, 
	UNIQUE (fingerprint, starts_ms), 
	FOREIGN KEY(incident) REFERENCES incidents (id)
);
INSERT INTO "alerts" VALUES(1,1,'bbb6d65deebe1a10',1772589540000,NULL,'firing','order','Anomaly','critical','{"alertname": "Anomaly", "ci": "order", "team": "operations", "source": "sunspot"}','{"summary": "latency_s of order is 163 standard deviations from normal; its threshold is 11", "page budget": "1 of 1 false pages a week that operations accepts, if this is one; pages that a verdict calls useful do not count"}',1772589960000,1772589960000,1,'');
INSERT INTO "alerts" VALUES(2,1,'b3c5003c8e6e2965',1772589540000,NULL,'firing','gateway','Anomaly','critical','{"alertname": "Anomaly", "ci": "gateway", "team": "operations", "source": "sunspot"}','{"summary": "latency_s of gateway is 144 standard deviations from normal; its threshold is 11"}',1772589960000,1772589960000,1,'');
INSERT INTO "alerts" VALUES(3,1,'SlowRequests-gateway',1772589840000,NULL,'firing','gateway','SlowRequests','critical','{"alertname": "SlowRequests", "service": "gateway", "severity": "critical"}','{"note": "seen by hand"}',1772589960000,1772589960000,1,'');
INSERT INTO "alerts" VALUES(4,2,'ErrorRatio-order',1772571600000,1772572140000,'resolved','order','ErrorRatio','critical','{"alertname": "ErrorRatio", "service": "order", "severity": "critical"}','{}',1772589960000,1772589960000,2,'no signals of ''order'' or its dependencies are in the incident''s window');
CREATE TABLE audit (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at_ms BIGINT NOT NULL, 
	who VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	document JSON NOT NULL
);
INSERT INTO "audit" VALUES(1,1772589600000,'local','import_cmdb','84af430ac2e44f93','{"n_items": 2, "n_edges": 1, "n_rejected": 0}');
INSERT INTO "audit" VALUES(2,1772589960000,'local','verdict','1','{"causes": ["order"], "note": "pool too small", "unknown_items": []}');
INSERT INTO "audit" VALUES(3,1772589960000,'local','verdict','2','{"causes": ["order"], "note": "pool too small", "unknown_items": []}');
INSERT INTO "audit" VALUES(4,1772589960000,'local','create_token','alertmanager','{"scopes": ["ingest"]}');
INSERT INTO "audit" VALUES(5,1772589960000,'local','create_token','zhou','{"scopes": ["admin"]}');
INSERT INTO "audit" VALUES(6,1772589960000,'local','create_token','old','{"scopes": ["read"]}');
INSERT INTO "audit" VALUES(7,1772590020000,'local','revoke_token','old','{}');
CREATE TABLE changes (
	id VARCHAR NOT NULL, 
	item VARCHAR NOT NULL, 
	at_ms BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	summary VARCHAR NOT NULL, 
	received_ms BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "changes" VALUES('c1','order',1772589000000,'deploy','pool 200 → 60',1772589960000);
CREATE TABLE graph_imports (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	version VARCHAR NOT NULL, 
	imported_ms BIGINT NOT NULL, 
	who VARCHAR NOT NULL, 
	FOREIGN KEY(version) REFERENCES graphs (version)
);
INSERT INTO "graph_imports" VALUES(1,'84af430ac2e44f93',1772589600000,'local');
CREATE TABLE graphs (
	version VARCHAR NOT NULL, 
	document JSON NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "graphs" VALUES('84af430ac2e44f93','{"items": [["gateway", "service", "Gateway", "", {}], ["order", "service", "Order", "", {}]], "edges": [["gateway", "order", "calls"]]}');
CREATE TABLE incidents (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	lead_alert INTEGER, 
	opened_ms BIGINT NOT NULL, 
	closed_ms BIGINT
);
INSERT INTO "incidents" VALUES(1,2,1772589540000,NULL);
INSERT INTO "incidents" VALUES(2,4,1772571600000,1772572140000);
CREATE TABLE maintenance (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	items JSON NOT NULL, 
	teams JSON NOT NULL, 
	phases JSON NOT NULL, 
	start_ms BIGINT NOT NULL, 
	end_ms BIGINT NOT NULL, 
	note VARCHAR NOT NULL, 
	who VARCHAR NOT NULL
);
INSERT INTO "maintenance" VALUES(1,'["order"]','[]','[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]',1772622360000,1772629560000,'','local');
CREATE TABLE outbox (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	document JSON NOT NULL, 
	created_ms BIGINT NOT NULL, 
	due_ms BIGINT NOT NULL, 
	n_tries INTEGER NOT NULL, 
	sent_ms BIGINT, 
	problem VARCHAR NOT NULL
);
INSERT INTO "outbox" VALUES(1,'{"kind": "anomaly", "team": "operations", "item": "order", "severity": "critical", "title": "latency_s of order is 163 standard deviations from normal; its threshold is 11", "starts_at": "2026-03-04T01:59:00+00:00", "incident": 1, "incident_url": "http://127.0.0.1:8321/incidents/1", "metric": "latency_s", "score": 162.55357360839844, "threshold": 11.064809641771559, "tail_probability": 1.6534391534391536e-05, "budget_per_week": 1.0, "spent_this_week": 1, "likely_causes": [{"item": "order", "probability": 0.9571714543622336}, {"item": "gateway", "probability": 0.0002645131959938153}]}',1772589960000,1772589965000,1,NULL,'<urlopen error [Errno 111] Connection refused>');
CREATE TABLE pages (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	alert INTEGER NOT NULL, 
	incident INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	team VARCHAR NOT NULL, 
	item VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	severity VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	score FLOAT, 
	threshold FLOAT, 
	tail FLOAT, 
	budget_per_week FLOAT NOT NULL, 
	spent INTEGER NOT NULL, 
	UNIQUE (alert), 
	FOREIGN KEY(alert) REFERENCES alerts (id), 
	FOREIGN KEY(incident) REFERENCES incidents (id)
);
INSERT INTO "pages" VALUES(1,1,1,1772589540000,'operations','order','anomaly','critical','latency_s',1.62553573608398437499e+02,1.1064809641771558901e+01,1.65343915343915355067e-05,1.0,1);
CREATE TABLE rankings (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	alert INTEGER NOT NULL, 
	made_ms BIGINT NOT NULL, 
	cause VARCHAR NOT NULL, 
	probability FLOAT NOT NULL, 
	document JSON NOT NULL, 
	FOREIGN KEY(alert) REFERENCES alerts (id)
);
INSERT INTO "rankings" VALUES(1,1,1772589960000,'order',9.57171454362233609103e-01,'{"case_id": "bbb6d65deebe1a10-1772589540000", "ranker": "sunspot", "candidates": [{"item": "order", "score": 8.19787959559005, "probability": 0.9571714543622336, "hops": 0, "path": ["order"], "evidence": [{"kind": "own_latency", "weight": 6.512470665112309, "sentence": "52.4 of 53.4 excess seconds a minute arise in order itself: 625 ms a request, usually 99.9 ms; none of 229 normal windows saw as much.", "figures": {"own_excess_seconds_per_minute": 52.40162915770367, "all_excess_seconds_per_minute": 53.367701114968874, "latency_s": 0.6250869390727051, "usual_latency_s": 0.09989875427101468, "reference_latency_s": 0.09989875427101468, "share_of_whole": 1.0, "surprise": 7.7406644019172415, "n_normal_windows": 229, "n_normal_windows_as_large": 0}, "templates": []}, {"kind": "own_failures", "weight": 1.413018890627875, "sentence": "0.0213 of 0.0213 excess failures a minute arise in order itself: 1.02 % of requests fail, usually 1 %; 17 of 229 normal windows saw as much.", "figures": {"own_excess_failures_per_minute": 0.02127594608896093, "all_excess_failures_per_minute": 0.02127594608896093, "error_ratio": 0.010244211855389969, "usual_error_ratio": 0.010023116954205106, "reference_error_ratio": 0.010023116954205106, "share_of_whole": 1.0, "surprise": 2.519252428539997, "n_normal_windows": 229, "n_normal_windows_as_large": 17}, "templates": []}, {"kind": "weaker_signs", "weight": 0.27239003984986737, "sentence": "Weaker signs: log waits.", "figures": {}, "templates": []}], "explained_by": ""}, {"item": "gateway", "score": 0.004032923428270707, "probability": 0.0002645131959938153, "hops": null, "path": [], "evidence": [{"kind": "weaker_signs", "weight": 0.004032923428270707, "sentence": "Weaker signs: own latency, log waits.", "figures": {}, "templates": []}], "explained_by": "order"}], "abstained": "", "unseen": ["No traces were received: own time, network and calls could not be looked at.", "No CPU, memory, saturation or packet loss was received."], "graph_version": "84af430ac2e44f93", "bundle_version": "sha256:afe22ecb33d9c88ec45261a9e483fc787b9851691fffff6cd06807769e415eaf", "window_start_ms": 1772589240000, "window_end_ms": 1772589960000, "answers": {"traffic surge": 0.0, "nothing observed explains this": 0.04256403244177241}, "causes": ["order"], "found_normal": ["Own latency: 2 items looked at, 0 as usual.", "Own failures: 2 items looked at, all as usual.", "Usual log lines: 2 items looked at, all as usual.", "New and more log lines: 2 items looked at, all as usual.", "Waits between log lines: 2 items looked at, all as usual."], "ranker_version": "sha256:a4c83b4a79a4ed42e65a08cf98da97d5fdb4810fa9e559a7dd190c98183c73e4", "n_candidates": 2, "code_version": "0.1.0", "ranked_at": "2026-03-04T02:06:00+00:00", "picture": {"items": {"order": {"name": "Order", "kind": "service", "team": ""}, "gateway": {"name": "Gateway", "kind": "service", "team": ""}}, "edges": [["gateway", "order"]], "times_ms": [1772587440000, 1772587500000, 1772587560000, 1772587620000, 1772587680000, 1772587740000, 1772587800000, 1772587860000, 1772587920000, 1772587980000, 1772588040000, 1772588100000, 1772588160000, 1772588220000, 1772588280000, 1772588340000, 1772588400000, 1772588460000, 1772588520000, 1772588580000, 1772588640000, 1772588700000, 1772588760000, 1772588820000, 1772588880000, 1772588940000, 1772589000000, 1772589060000, 1772589120000, 1772589180000, 1772589240000, 1772589300000, 1772589360000, 1772589420000, 1772589480000, 1772589540000, 1772589600000, 1772589660000, 1772589720000, 1772589780000, 1772589840000, 1772589900000], "step_ms": 60000, "onset_ms": 1772589240000, "signals": {"order": {"latency": {"values": [0.0949629, 0.10498, 0.0945, 0.0958606, 0.0996715, 0.0997444, 0.104948, 0.0981412, 0.094866, 0.0915714, 0.0973395, 0.101469, 0.0992456, 0.0933235, 0.104243, 0.1025, 0.104169, 0.101305, 0.0991702, 0.0951739, 0.101796, 0.0999299, 0.0985569, 0.0849955, 0.105816, 0.102801, 0.0938425, 0.0977087, 0.100417, 0.0999722, 0.10494, 0.0989872, 0.0968749, 0.0996663, 0.0923439, 1.00792, 1.00233, 0.993956, 1.00131, 1.00021, 1.00147, 1.00104], "normal": 0.0998988}, "errors": {"values": [0.00996049, 0.0100968, 0.0101831, 0.0103972, 0.00986398, 0.00961112, 0.0100067, 0.00985116, 0.0101701, 0.0103743, 0.0099288, 0.00998312, 0.0100111, 0.0104862, 0.0104715, 0.0104465, 0.00950516, 0.0100222, 0.00952576, 0.00967632, 0.0101713, 0.00930072, 0.0105943, 0.00973842, 0.0100791, 0.0101084, 0.00993143, 0.0103934, 0.0094758, 0.0107945, 0.0104691, 0.0100272, 0.0108343, 0.0104465, 0.00988299, 0.00984442, 0.0110603, 0.00946157, 0.0102806, 0.0107676, 0.00989787, 0.0099581], "normal": 0.0100231}, "requests": {"values": [102.634, 95.8009, 90.4939, 103.856, 107.475, 97.3221, 99.2325, 100.04, 96.6995, 96.8892, 102.3, 97.4964, 98.502, 97.2215, 103.985, 104.403, 91.9033, 89.9875, 92.7118, 102.053, 96.1608, 99.5536, 100.406, 90.625, 95.4054, 104.109, 105.622, 107.575, 99.6937, 101.686, 108.161, 98.7479, 97.1446, 94.6057, 100.549, 102.927, 95.1533, 101.608, 107.92, 93.4577, 97.5107, 99.7993], "normal": 99.1965}}, "gateway": {"latency": {"values": [0.0989756, 0.0948642, 0.0970881, 0.104324, 0.0926036, 0.0952412, 0.0938112, 0.0983798, 0.0960461, 0.0929879, 0.100358, 0.0941007, 0.0974922, 0.103461, 0.0992989, 0.107869, 0.107705, 0.104288, 0.100193, 0.102561, 0.0956636, 0.093273, 0.103786, 0.0895816, 0.100236, 0.099733, 0.102588, 0.0935913, 0.08775, 0.0991127, 0.0980717, 0.100552, 0.102817, 0.100338, 0.0988702, 1.00452, 1.00096, 0.998991, 0.995574, 0.999021, 0.995399, 1.00149], "normal": 0.100833}, "errors": {"values": [0.0103575, 0.0101308, 0.00994087, 0.00916398, 0.0106445, 0.0105647, 0.0106487, 0.00972377, 0.0108622, 0.00989628, 0.00963083, 0.0106906, 0.0103201, 0.0101931, 0.0102746, 0.00939573, 0.0094435, 0.00921097, 0.00957887, 0.00996935, 0.0100982, 0.010454, 0.00995885, 0.00965988, 0.00943058, 0.0100192, 0.00966366, 0.0108991, 0.010126, 0.010612, 0.00913166, 0.0101083, 0.00997081, 0.0098284, 0.00989009, 0.00962203, 0.00999899, 0.00949095, 0.0105556, 0.00970785, 0.00958133, 0.00985172], "normal": 0.00996302}, "requests": {"values": [99.1218, 100.177, 100.448, 89.9039, 100.657, 99.2039, 96.9181, 96.5876, 93.3393, 107.29, 99.8828, 94.6094, 97.8184, 106.059, 104.951, 97.7477, 109.851, 99.938, 98.7785, 92.1112, 95.1275, 110.656, 97.7253, 99.8927, 106.895, 100.24, 94.9193, 99.9632, 101.911, 98.6623, 97.2619, 103.401, 107.852, 102.566, 98.0564, 95.818, 97.0369, 98.7177, 106.607, 110.254, 104.915, 101.078], "normal": 99.4763}}}}}');
INSERT INTO "rankings" VALUES(2,2,1772589960000,'order',9.82394586508919420708e-01,'{"case_id": "b3c5003c8e6e2965-1772589540000", "ranker": "sunspot", "candidates": [{"item": "order", "score": 9.113444107781527, "probability": 0.9823945865089194, "hops": 1, "path": ["gateway", "order"], "evidence": [{"kind": "own_latency", "weight": 5.091801266303651, "sentence": "52.4 of 53.4 excess seconds a minute arise in order itself: 625 ms a request, usually 99.9 ms; none of 229 normal windows saw as much.", "figures": {"own_excess_seconds_per_minute": 52.40162915770367, "all_excess_seconds_per_minute": 53.367701114968874, "latency_s": 0.6250869390727051, "usual_latency_s": 0.09989875427101468, "reference_latency_s": 0.09989875427101468, "share_of_whole": 0.9801142327629521, "surprise": 7.7406644019172415, "n_normal_windows": 229, "n_normal_windows_as_large": 0}, "templates": []}, {"kind": "alerts", "weight": 2.6796384043421226, "sentence": "An alert fires on order itself (Anomaly) and on nothing it depends on.", "figures": {"n_alerts": 1.0}, "templates": []}, {"kind": "own_failures", "weight": 1.125114259624656, "sentence": "0.0213 of 0.0213 excess failures a minute arise in order itself: 1.02 % of requests fail, usually 1 %; 17 of 229 normal windows saw as much.", "figures": {"own_excess_failures_per_minute": 0.02127594608896093, "all_excess_failures_per_minute": 0.02127594608896093, "error_ratio": 0.010244211855389969, "usual_error_ratio": 0.010023116954205106, "reference_error_ratio": 0.010023116954205106, "share_of_whole": 1.0, "surprise": 2.519252428539997, "n_normal_windows": 229, "n_normal_windows_as_large": 17}, "templates": []}, {"kind": "weaker_signs", "weight": 0.2168901775110976, "sentence": "Weaker signs: log waits.", "figures": {}, "templates": []}], "explained_by": ""}, {"item": "gateway", "score": 0.09019720104289032, "probability": 0.00011845124237419121, "hops": 0, "path": ["gateway"], "evidence": [{"kind": "weaker_signs", "weight": 0.09019720104289031, "sentence": "Weaker signs: own latency, log waits.", "figures": {}, "templates": []}], "explained_by": "order"}], "abstained": "", "unseen": ["No traces were received: own time, network and calls could not be looked at.", "No CPU, memory, saturation or packet loss was received."], "graph_version": "84af430ac2e44f93", "bundle_version": "sha256:afe22ecb33d9c88ec45261a9e483fc787b9851691fffff6cd06807769e415eaf", "window_start_ms": 1772589240000, "window_end_ms": 1772589960000, "answers": {"traffic surge": 0.0, "nothing observed explains this": 0.017486962248706408}, "causes": ["order"], "found_normal": ["Own latency: 2 items looked at, 0 as usual.", "Own failures: 2 items looked at, all as usual.", "Usual log lines: 2 items looked at, all as usual.", "New and more log lines: 2 items looked at, all as usual.", "Waits between log lines: 2 items looked at, all as usual."], "ranker_version": "sha256:a4c83b4a79a4ed42e65a08cf98da97d5fdb4810fa9e559a7dd190c98183c73e4", "n_candidates": 2, "code_version": "0.1.0", "ranked_at": "2026-03-04T02:06:00+00:00", "picture": {"items": {"gateway": {"name": "Gateway", "kind": "service", "team": ""}, "order": {"name": "Order", "kind": "service", "team": ""}}, "edges": [["gateway", "order"]], "times_ms": [1772587440000, 1772587500000, 1772587560000, 1772587620000, 1772587680000, 1772587740000, 1772587800000, 1772587860000, 1772587920000, 1772587980000, 1772588040000, 1772588100000, 1772588160000, 1772588220000, 1772588280000, 1772588340000, 1772588400000, 1772588460000, 1772588520000, 1772588580000, 1772588640000, 1772588700000, 1772588760000, 1772588820000, 1772588880000, 1772588940000, 1772589000000, 1772589060000, 1772589120000, 1772589180000, 1772589240000, 1772589300000, 1772589360000, 1772589420000, 1772589480000, 1772589540000, 1772589600000, 1772589660000, 1772589720000, 1772589780000, 1772589840000, 1772589900000], "step_ms": 60000, "onset_ms": 1772589240000, "signals": {"gateway": {"latency": {"values": [0.0989756, 0.0948642, 0.0970881, 0.104324, 0.0926036, 0.0952412, 0.0938112, 0.0983798, 0.0960461, 0.0929879, 0.100358, 0.0941007, 0.0974922, 0.103461, 0.0992989, 0.107869, 0.107705, 0.104288, 0.100193, 0.102561, 0.0956636, 0.093273, 0.103786, 0.0895816, 0.100236, 0.099733, 0.102588, 0.0935913, 0.08775, 0.0991127, 0.0980717, 0.100552, 0.102817, 0.100338, 0.0988702, 1.00452, 1.00096, 0.998991, 0.995574, 0.999021, 0.995399, 1.00149], "normal": 0.100833}, "errors": {"values": [0.0103575, 0.0101308, 0.00994087, 0.00916398, 0.0106445, 0.0105647, 0.0106487, 0.00972377, 0.0108622, 0.00989628, 0.00963083, 0.0106906, 0.0103201, 0.0101931, 0.0102746, 0.00939573, 0.0094435, 0.00921097, 0.00957887, 0.00996935, 0.0100982, 0.010454, 0.00995885, 0.00965988, 0.00943058, 0.0100192, 0.00966366, 0.0108991, 0.010126, 0.010612, 0.00913166, 0.0101083, 0.00997081, 0.0098284, 0.00989009, 0.00962203, 0.00999899, 0.00949095, 0.0105556, 0.00970785, 0.00958133, 0.00985172], "normal": 0.00996302}, "requests": {"values": [99.1218, 100.177, 100.448, 89.9039, 100.657, 99.2039, 96.9181, 96.5876, 93.3393, 107.29, 99.8828, 94.6094, 97.8184, 106.059, 104.951, 97.7477, 109.851, 99.938, 98.7785, 92.1112, 95.1275, 110.656, 97.7253, 99.8927, 106.895, 100.24, 94.9193, 99.9632, 101.911, 98.6623, 97.2619, 103.401, 107.852, 102.566, 98.0564, 95.818, 97.0369, 98.7177, 106.607, 110.254, 104.915, 101.078], "normal": 99.4763}}, "order": {"latency": {"values": [0.0949629, 0.10498, 0.0945, 0.0958606, 0.0996715, 0.0997444, 0.104948, 0.0981412, 0.094866, 0.0915714, 0.0973395, 0.101469, 0.0992456, 0.0933235, 0.104243, 0.1025, 0.104169, 0.101305, 0.0991702, 0.0951739, 0.101796, 0.0999299, 0.0985569, 0.0849955, 0.105816, 0.102801, 0.0938425, 0.0977087, 0.100417, 0.0999722, 0.10494, 0.0989872, 0.0968749, 0.0996663, 0.0923439, 1.00792, 1.00233, 0.993956, 1.00131, 1.00021, 1.00147, 1.00104], "normal": 0.0998988}, "errors": {"values": [0.00996049, 0.0100968, 0.0101831, 0.0103972, 0.00986398, 0.00961112, 0.0100067, 0.00985116, 0.0101701, 0.0103743, 0.0099288, 0.00998312, 0.0100111, 0.0104862, 0.0104715, 0.0104465, 0.00950516, 0.0100222, 0.00952576, 0.00967632, 0.0101713, 0.00930072, 0.0105943, 0.00973842, 0.0100791, 0.0101084, 0.00993143, 0.0103934, 0.0094758, 0.0107945, 0.0104691, 0.0100272, 0.0108343, 0.0104465, 0.00988299, 0.00984442, 0.0110603, 0.00946157, 0.0102806, 0.0107676, 0.00989787, 0.0099581], "normal": 0.0100231}, "requests": {"values": [102.634, 95.8009, 90.4939, 103.856, 107.475, 97.3221, 99.2325, 100.04, 96.6995, 96.8892, 102.3, 97.4964, 98.502, 97.2215, 103.985, 104.403, 91.9033, 89.9875, 92.7118, 102.053, 96.1608, 99.5536, 100.406, 90.625, 95.4054, 104.109, 105.622, 107.575, 99.6937, 101.686, 108.161, 98.7479, 97.1446, 94.6057, 100.549, 102.927, 95.1533, 101.608, 107.92, 93.4577, 97.5107, 99.7993], "normal": 99.1965}}}}}');
INSERT INTO "rankings" VALUES(3,3,1772589960000,'order',9.75939158280559215796e-01,'{"case_id": "SlowRequests-gateway-1772589840000", "ranker": "sunspot", "candidates": [{"item": "order", "score": 8.79444568069953, "probability": 0.9759391582805592, "hops": 1, "path": ["gateway", "order"], "evidence": [{"kind": "own_latency", "weight": 5.2303300452929, "sentence": "89.9 of 91.7 excess seconds a minute arise in order itself: 1,001 ms a request, usually 99.9 ms; none of 234 normal windows saw as much.", "figures": {"own_excess_seconds_per_minute": 89.91995814537383, "all_excess_seconds_per_minute": 91.70064477818417, "latency_s": 1.0011758973106715, "usual_latency_s": 0.09989875427101468, "reference_latency_s": 0.09989875427101468, "share_of_whole": 0.9805815254939846, "surprise": 7.762170607138205, "n_normal_windows": 234, "n_normal_windows_as_large": 0}, "templates": []}, {"kind": "alerts", "weight": 2.6922796760860295, "sentence": "An alert fires on order itself (Anomaly) and on nothing it depends on.", "figures": {"n_alerts": 1.0}, "templates": []}, {"kind": "own_failures", "weight": 0.6558579070285361, "sentence": "0.0144 of 0.0144 excess failures a minute arise in order itself: 1.02 % of requests fail, usually 1 %; 55 of 234 normal windows saw as much.", "figures": {"own_excess_failures_per_minute": 0.014398943907368216, "all_excess_failures_per_minute": 0.014398943907368216, "error_ratio": 0.01018148890581083, "usual_error_ratio": 0.010023116954205106, "reference_error_ratio": 0.01002470314482172, "share_of_whole": 1.0, "surprise": 1.4342338234090097, "n_normal_windows": 234, "n_normal_windows_as_large": 55}, "templates": []}, {"kind": "weaker_signs", "weight": 0.2159780522920633, "sentence": "Weaker signs: log waits.", "figures": {}, "templates": []}], "explained_by": ""}, {"item": "gateway", "score": 0.08626985321557955, "probability": 0.00016125382851793322, "hops": 0, "path": ["gateway"], "evidence": [{"kind": "weaker_signs", "weight": 0.08626985321557956, "sentence": "Weaker signs: alerts, own latency, log waits.", "figures": {}, "templates": []}], "explained_by": "order"}], "abstained": "", "unseen": ["No traces were received: own time, network and calls could not be looked at.", "No CPU, memory, saturation or packet loss was received."], "graph_version": "84af430ac2e44f93", "bundle_version": "sha256:afe22ecb33d9c88ec45261a9e483fc787b9851691fffff6cd06807769e415eaf", "window_start_ms": 1772589540000, "window_end_ms": 1772589960000, "answers": {"traffic surge": 0.0, "nothing observed explains this": 0.02389958789092293}, "causes": ["order"], "found_normal": ["Own latency: 2 items looked at, 0 as usual.", "Own failures: 2 items looked at, all as usual.", "Usual log lines: 2 items looked at, all as usual.", "New and more log lines: 2 items looked at, all as usual.", "Waits between log lines: 2 items looked at, all as usual."], "ranker_version": "sha256:a4c83b4a79a4ed42e65a08cf98da97d5fdb4810fa9e559a7dd190c98183c73e4", "n_candidates": 2, "code_version": "0.1.0", "ranked_at": "2026-03-04T02:06:00+00:00", "picture": {"items": {"gateway": {"name": "Gateway", "kind": "service", "team": ""}, "order": {"name": "Order", "kind": "service", "team": ""}}, "edges": [["gateway", "order"]], "times_ms": [1772587740000, 1772587800000, 1772587860000, 1772587920000, 1772587980000, 1772588040000, 1772588100000, 1772588160000, 1772588220000, 1772588280000, 1772588340000, 1772588400000, 1772588460000, 1772588520000, 1772588580000, 1772588640000, 1772588700000, 1772588760000, 1772588820000, 1772588880000, 1772588940000, 1772589000000, 1772589060000, 1772589120000, 1772589180000, 1772589240000, 1772589300000, 1772589360000, 1772589420000, 1772589480000, 1772589540000, 1772589600000, 1772589660000, 1772589720000, 1772589780000, 1772589840000, 1772589900000], "step_ms": 60000, "onset_ms": 1772589540000, "signals": {"gateway": {"latency": {"values": [0.0952412, 0.0938112, 0.0983798, 0.0960461, 0.0929879, 0.100358, 0.0941007, 0.0974922, 0.103461, 0.0992989, 0.107869, 0.107705, 0.104288, 0.100193, 0.102561, 0.0956636, 0.093273, 0.103786, 0.0895816, 0.100236, 0.099733, 0.102588, 0.0935913, 0.08775, 0.0991127, 0.0980717, 0.100552, 0.102817, 0.100338, 0.0988702, 1.00452, 1.00096, 0.998991, 0.995574, 0.999021, 0.995399, 1.00149], "normal": 0.100833}, "errors": {"values": [0.0105647, 0.0106487, 0.00972377, 0.0108622, 0.00989628, 0.00963083, 0.0106906, 0.0103201, 0.0101931, 0.0102746, 0.00939573, 0.0094435, 0.00921097, 0.00957887, 0.00996935, 0.0100982, 0.010454, 0.00995885, 0.00965988, 0.00943058, 0.0100192, 0.00966366, 0.0108991, 0.010126, 0.010612, 0.00913166, 0.0101083, 0.00997081, 0.0098284, 0.00989009, 0.00962203, 0.00999899, 0.00949095, 0.0105556, 0.00970785, 0.00958133, 0.00985172], "normal": 0.00996302}, "requests": {"values": [99.2039, 96.9181, 96.5876, 93.3393, 107.29, 99.8828, 94.6094, 97.8184, 106.059, 104.951, 97.7477, 109.851, 99.938, 98.7785, 92.1112, 95.1275, 110.656, 97.7253, 99.8927, 106.895, 100.24, 94.9193, 99.9632, 101.911, 98.6623, 97.2619, 103.401, 107.852, 102.566, 98.0564, 95.818, 97.0369, 98.7177, 106.607, 110.254, 104.915, 101.078], "normal": 99.4763}}, "order": {"latency": {"values": [0.0997444, 0.104948, 0.0981412, 0.094866, 0.0915714, 0.0973395, 0.101469, 0.0992456, 0.0933235, 0.104243, 0.1025, 0.104169, 0.101305, 0.0991702, 0.0951739, 0.101796, 0.0999299, 0.0985569, 0.0849955, 0.105816, 0.102801, 0.0938425, 0.0977087, 0.100417, 0.0999722, 0.10494, 0.0989872, 0.0968749, 0.0996663, 0.0923439, 1.00792, 1.00233, 0.993956, 1.00131, 1.00021, 1.00147, 1.00104], "normal": 0.0998988}, "errors": {"values": [0.00961112, 0.0100067, 0.00985116, 0.0101701, 0.0103743, 0.0099288, 0.00998312, 0.0100111, 0.0104862, 0.0104715, 0.0104465, 0.00950516, 0.0100222, 0.00952576, 0.00967632, 0.0101713, 0.00930072, 0.0105943, 0.00973842, 0.0100791, 0.0101084, 0.00993143, 0.0103934, 0.0094758, 0.0107945, 0.0104691, 0.0100272, 0.0108343, 0.0104465, 0.00988299, 0.00984442, 0.0110603, 0.00946157, 0.0102806, 0.0107676, 0.00989787, 0.0099581], "normal": 0.0100231}, "requests": {"values": [97.3221, 99.2325, 100.04, 96.6995, 96.8892, 102.3, 97.4964, 98.502, 97.2215, 103.985, 104.403, 91.9033, 89.9875, 92.7118, 102.053, 96.1608, 99.5536, 100.406, 90.625, 95.4054, 104.109, 105.622, 107.575, 99.6937, 101.686, 108.161, 98.7479, 97.1446, 94.6057, 100.549, 102.927, 95.1533, 101.608, 107.92, 93.4577, 97.5107, 99.7993], "normal": 99.1965}}}}}');
CREATE TABLE tokens (
	name VARCHAR NOT NULL, 
	secret_sha256 VARCHAR NOT NULL, 
	scopes JSON NOT NULL, 
	created_ms BIGINT NOT NULL, 
	revoked_ms BIGINT, 
	PRIMARY KEY (name), 
	UNIQUE (secret_sha256)
);
INSERT INTO "tokens" VALUES('alertmanager','62981caba517ff20a431f1680fcff5ce4742f88c3cd9a41b183f640c63d76d83','["ingest"]',1772589960000,NULL);
INSERT INTO "tokens" VALUES('zhou','b890c6bbc332ecf4d0925b5e7c163ba6f0c9046495d92eb30bf49c8f134134b4','["admin"]',1772589960000,NULL);
INSERT INTO "tokens" VALUES('old','5acf2f7c2a0e9556b9e10a7b4952aaf8fb353878d078ff4679a8dd67cadc732f','["read"]',1772589960000,1772590020000);
CREATE INDEX ix_changes_at_ms ON changes (at_ms);
CREATE INDEX ix_maintenance_end_ms ON maintenance (end_ms);
CREATE INDEX ix_outbox_due_ms ON outbox (due_ms);
CREATE INDEX audit_by_subject ON audit (action, subject, position);
CREATE TRIGGER audit_no_UPDATE BEFORE UPDATE ON audit 
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_DELETE BEFORE DELETE ON audit 
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_INSERT BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE INDEX ix_alerts_incident ON alerts (incident);
CREATE INDEX ix_alerts_starts_ms ON alerts (starts_ms);
CREATE INDEX rankings_by_alert ON rankings (alert, id);
CREATE INDEX ix_pages_at_ms ON pages (at_ms);
CREATE INDEX ix_pages_incident ON pages (incident);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('graph_imports',1);
INSERT INTO "sqlite_sequence" VALUES('audit',7);
INSERT INTO "sqlite_sequence" VALUES('incidents',2);
INSERT INTO "sqlite_sequence" VALUES('alerts',4);
INSERT INTO "sqlite_sequence" VALUES('rankings',3);
INSERT INTO "sqlite_sequence" VALUES('pages',1);
INSERT INTO "sqlite_sequence" VALUES('outbox',1);
INSERT INTO "sqlite_sequence" VALUES('maintenance',1);
COMMIT;
