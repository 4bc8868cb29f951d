"""Short expositions in the form of real senders, each of one item, with the rules that read it."""

from __future__ import annotations

from typing import NamedTuple


class Exposition(NamedTuple):
    """What a sender shows, and the names of the rules that read it."""

    sender: str
    text: str
    rules: str


EXPOSITIONS = [
    Exposition(
        "node_exporter",
        """\
# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="idle"} 362812.78
node_cpu_seconds_total{cpu="0",mode="user"} 4312.1
node_cpu_seconds_total{cpu="1",mode="idle"} 362789.3
# HELP node_load1 1m load average.
# TYPE node_load1 gauge
node_load1 0.21
# TYPE node_memory_MemAvailable_bytes gauge
node_memory_MemAvailable_bytes 5.1e+09
# TYPE node_memory_MemTotal_bytes gauge
node_memory_MemTotal_bytes 8.2e+09
# TYPE node_network_receive_drop_total counter
node_network_receive_drop_total{device="eth0"} 3
node_network_receive_drop_total{device="lo"} 0
# TYPE node_network_receive_packets_total counter
node_network_receive_packets_total{device="eth0"} 90210
# TYPE node_netstat_Tcp_RetransSegs untyped
node_netstat_Tcp_RetransSegs 55
# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds{quantile="0.5"} 4.9351e-05
go_gc_duration_seconds_sum 0.1
go_gc_duration_seconds_count 2000
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
""",
        "node-cpu node-memory node-load node-loss",
    ),
    Exposition(
        "a process of a client library",
        "process_cpu_seconds_total 12.5\nprocess_open_fds 9\nprocess_max_fds 1024\n",
        "process-cpu process-files",
    ),
    Exposition(
        "OpenTelemetry HTTP",
        """\
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{http_response_status_code="200",le="0.1"} 90
http_server_request_duration_seconds_bucket{http_response_status_code="200",le="+Inf"} 100
http_server_request_duration_seconds_sum{http_response_status_code="200"} 12.5
http_server_request_duration_seconds_count{http_response_status_code="200"} 100
http_server_request_duration_seconds_bucket{http_response_status_code="503",le="+Inf"} 2
http_server_request_duration_seconds_sum{http_response_status_code="503"} 0.5
http_server_request_duration_seconds_count{http_response_status_code="503"} 2
# TYPE jvm_cpu_recent_utilization_ratio gauge
jvm_cpu_recent_utilization_ratio 0.1
# TYPE jvm_memory_used_bytes gauge
jvm_memory_used_bytes{jvm_memory_type="heap",jvm_memory_pool_name="G1 Eden Space"} 1e+07
jvm_memory_used_bytes{jvm_memory_type="non_heap",jvm_memory_pool_name="Metaspace"} 4e+07
# TYPE jvm_memory_limit_bytes gauge
jvm_memory_limit_bytes{jvm_memory_type="heap",jvm_memory_pool_name="G1 Old Gen"} 1e+09
# TYPE db_client_connection_count gauge
db_client_connection_count{db_client_connection_state="used",db_client_connection_pool_name="main"} 3
db_client_connection_count{db_client_connection_state="idle",db_client_connection_pool_name="main"} 7
db_client_connection_max{db_client_connection_pool_name="main"} 10
""",
        "otel-http-server-requests otel-http-server-errors otel-http-server-latency otel-jvm-cpu "
        "otel-jvm-memory otel-db-pool",
    ),
    Exposition(
        "OpenTelemetry HTTP before 1.21",
        """\
http_server_duration_milliseconds_sum{http_status_code="500"} 12
http_server_duration_milliseconds_count{http_status_code="500"} 3
db_client_connections_usage{state="used",pool_name="main"} 3
db_client_connections_max{pool_name="main"} 10
""",
        "otel-http-server-before-1.21-requests otel-http-server-before-1.21-errors "
        "otel-http-server-before-1.21-latency otel-db-pool-before-1.26",
    ),
    Exposition(
        "OpenTelemetry RPC",
        """\
rpc_server_call_duration_seconds_sum{rpc_response_status_code="UNAVAILABLE"} 1
rpc_server_call_duration_seconds_count{rpc_response_status_code="UNAVAILABLE"} 3
""",
        "otel-rpc-server-requests otel-rpc-server-errors otel-rpc-server-latency",
    ),
    Exposition(
        "OpenTelemetry gRPC before",
        """\
rpc_server_duration_milliseconds_sum{rpc_grpc_status_code="14"} 1
rpc_server_duration_milliseconds_count{rpc_grpc_status_code="14"} 3
""",
        "otel-rpc-server-grpc-requests otel-rpc-server-grpc-errors otel-rpc-server-grpc-latency",
    ),
    *(
        Exposition(
            f"OpenTelemetry {prefix}",
            f'{name}_sum{{{label}}} 1\n{name}_count{{{label}}} 3\n{name}_count{{kind="other"}} 3\n',
            f"otel-{prefix}-requests otel-{prefix}-errors otel-{prefix}-latency",
        )
        for prefix, name, label in (
            ("messaging-process", "messaging_process_duration_seconds", 'error_type="timeout"'),
            ("messaging-client", "messaging_client_operation_duration_seconds", 'error_type="timeout"'),
            ("db-client", "db_client_operation_duration_seconds", 'error_type="timeout"'),
            ("http-client", "http_client_request_duration_seconds", 'error_type="503"'),
            ("rpc-client", "rpc_client_call_duration_seconds", 'rpc_response_status_code="INTERNAL"'),
        )
    ),
    Exposition(
        "OpenTelemetry consumers",
        'messaging_client_consumed_messages_total{error_type="timeout"} 1\n',
        "otel-messaging-consumed otel-messaging-consumed-errors",
    ),
    Exposition(
        "OpenTelemetry hosts",
        """\
system_cpu_time_seconds_total{cpu="cpu0",state="idle"} 100
system_memory_usage_bytes{state="used"} 3e+09
system_memory_usage_bytes{state="free"} 5e+09
system_network_dropped_total{device="eth0",direction="receive"} 1
system_network_packets_total{device="eth0",direction="receive"} 1000
""",
        "otel-host-cpu otel-host-memory otel-host-loss",
    ),
    Exposition(
        "OpenTelemetry hosts by convention",
        """\
system_cpu_time_seconds_total{cpu="cpu0",cpu_mode="idle"} 100
system_memory_utilization_ratio{state="used"} 0.4
""",
        "otel-host-cpu-mode otel-host-memory-share",
    ),
    Exposition(
        "OpenTelemetry in Kubernetes",
        "k8s_pod_cpu_limit_utilization_ratio 0.5\nk8s_pod_memory_limit_utilization_ratio 0.4\n",
        "otel-kube-cpu otel-kube-memory",
    ),
    Exposition(
        "Spring Boot",
        """\
# HELP http_server_requests_seconds Duration of HTTP server request handling
# TYPE http_server_requests_seconds summary
http_server_requests_seconds_count{method="GET",outcome="SUCCESS",status="200",uri="/orders"} 40
http_server_requests_seconds_sum{method="GET",outcome="SUCCESS",status="200",uri="/orders"} 2.1
http_server_requests_seconds_count{method="GET",outcome="SERVER_ERROR",status="500",uri="/orders"} 2
http_server_requests_seconds_sum{method="GET",outcome="SERVER_ERROR",status="500",uri="/orders"} 0.2
# TYPE http_server_requests_seconds_max gauge
http_server_requests_seconds_max{method="GET",outcome="SUCCESS",status="200",uri="/orders"} 0.4
# TYPE hikaricp_connections_active gauge
hikaricp_connections_active{pool="HikariPool-1"} 4
# TYPE hikaricp_connections_max gauge
hikaricp_connections_max{pool="HikariPool-1"} 10
# TYPE process_cpu_usage gauge
process_cpu_usage 0.2
# TYPE jvm_memory_used_bytes gauge
jvm_memory_used_bytes{area="heap",id="G1 Old Gen"} 1.2e+08
# TYPE jvm_memory_max_bytes gauge
jvm_memory_max_bytes{area="heap",id="G1 Old Gen"} 2.1e+09
""",
        "spring-http-server-requests spring-http-server-errors spring-http-server-latency spring-hikari "
        "spring-cpu spring-memory",
    ),
    Exposition(
        "a Spring client",
        """\
http_client_requests_seconds_count{status="503",uri="/quotes"} 2
http_client_requests_seconds_sum{status="503",uri="/quotes"} 0.2
""",
        "spring-http-client-requests spring-http-client-errors spring-http-client-latency",
    ),
    Exposition("JDBC pools", "jdbc_connections_active 1\njdbc_connections_max 8\n", "spring-jdbc"),
    Exposition(
        "Tomcat",
        'tomcat_threads_busy_threads{name="http-nio-8080"} 1\n'
        'tomcat_threads_config_max_threads{name="http-nio-8080"} 200\n',
        "spring-tomcat-threads",
    ),
    Exposition("Jetty", "jetty_threads_busy 1\njetty_threads_config_max 200\n", "spring-jetty-threads"),
    Exposition("executors", "executor_active_threads 1\nexecutor_pool_max_threads 20\n", "spring-executor"),
    Exposition(
        "Istio",
        """\
# TYPE istio_requests_total counter
istio_requests_total{reporter="destination",response_code="200",source_workload="web"} 90
istio_requests_total{reporter="destination",response_code="503",source_workload="web"} 2
istio_requests_total{reporter="source",response_code="200",destination_workload="db"} 70
# TYPE istio_request_duration_milliseconds histogram
istio_request_duration_milliseconds_bucket{reporter="destination",response_code="200",le="+Inf"} 90
istio_request_duration_milliseconds_sum{reporter="destination",response_code="200"} 1800
istio_request_duration_milliseconds_count{reporter="destination",response_code="200"} 90
""",
        "istio-requests istio-errors istio-latency",
    ),
    Exposition(
        "Envoy",
        """\
# TYPE envoy_http_downstream_rq_total counter
envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="ingress"} 90
envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="admin"} 5
# TYPE envoy_http_downstream_rq_xx counter
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="ingress"} 88
envoy_http_downstream_rq_xx{envoy_response_code_class="5",envoy_http_conn_manager_prefix="ingress"} 2
# TYPE envoy_http_downstream_rq_time histogram
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="ingress",le="+Inf"} 90
envoy_http_downstream_rq_time_sum{envoy_http_conn_manager_prefix="ingress"} 900
envoy_http_downstream_rq_time_count{envoy_http_conn_manager_prefix="ingress"} 90
""",
        "envoy-requests envoy-errors envoy-latency",
    ),
    Exposition(
        "Envoy's clusters",
        """\
# TYPE envoy_cluster_upstream_rq_total counter
envoy_cluster_upstream_rq_total{envoy_cluster_name="db"} 90
# TYPE envoy_cluster_upstream_rq_xx counter
envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="db"} 2
# TYPE envoy_cluster_upstream_rq_time histogram
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="db",le="+Inf"} 90
envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="db"} 900
envoy_cluster_upstream_rq_time_count{envoy_cluster_name="db"} 90
""",
        "envoy-cluster-requests envoy-cluster-errors envoy-cluster-latency",
    ),
    Exposition(
        "nginx",
        """\
# TYPE nginx_connections_accepted counter
nginx_connections_accepted 20
# TYPE nginx_connections_handled counter
nginx_connections_handled 20
# TYPE nginx_http_requests_total counter
nginx_http_requests_total 90
""",
        "nginx-requests nginx-loss",
    ),
    Exposition(
        "ingress-nginx",
        """\
nginx_ingress_controller_request_duration_seconds_sum{status="502"} 1
nginx_ingress_controller_request_duration_seconds_count{status="502"} 3
""",
        "nginx-ingress-requests nginx-ingress-errors nginx-ingress-latency",
    ),
    Exposition(
        "ingress-nginx without durations",
        "# TYPE nginx_ingress_controller_requests counter\n"
        'nginx_ingress_controller_requests{status="502"} 3\n',
        "nginx-ingress-counted-requests nginx-ingress-counted-errors",
    ),
    Exposition(
        "nginx-vts",
        """\
nginx_vts_server_requests_total{host="shop",code="2xx"} 9
nginx_vts_server_requests_total{host="shop",code="5xx"} 1
nginx_vts_server_requests_total{host="*",code="5xx"} 1
nginx_vts_server_request_seconds{host="shop"} 0.02
""",
        "nginx-vts-requests nginx-vts-errors nginx-vts-latency",
    ),
    Exposition(
        "go-grpc-middleware",
        'grpc_server_handling_seconds_sum{grpc_code="Internal"} 1\n'
        'grpc_server_handling_seconds_count{grpc_code="Internal"} 1\n',
        "grpc-server-requests grpc-server-errors grpc-server-latency",
    ),
    Exposition(
        "go-grpc-middleware without histograms",
        'grpc_server_handled_total{grpc_code="OK"} 1\n',
        "grpc-server-handled-requests grpc-server-handled-errors",
    ),
    *(
        Exposition(
            f"a service with {label}",
            f'http_requests_total{{{label}="500",method="GET"}} 9\n',
            f"http-requests http-errors-by-{label.replace('_', '-')}",
        )
        for label in ("code", "status", "status_code")
    ),
    *(
        Exposition(
            f"a service with durations and {label}",
            f'http_request_duration_seconds_sum{{{label}="500"}} 9\n'
            f'http_request_duration_seconds_count{{{label}="500"}} 9\n',
            f"http-duration-requests http-duration-latency http-duration-errors-by-{label.replace('_', '-')}",
        )
        for label in ("code", "status", "status_code")
    ),
    Exposition(
        "redis_exporter",
        """\
# TYPE redis_commands_processed_total counter
redis_commands_processed_total 90
redis_commands_total{cmd="get"} 80
redis_commands_failed_calls_total{cmd="get"} 1
redis_commands_duration_seconds_total{cmd="get"} 0.4
redis_cpu_sys_seconds_total 4
redis_cpu_user_seconds_total 3
redis_memory_used_bytes 1e+06
redis_memory_max_bytes 1e+08
redis_connected_clients 3
redis_config_maxclients 10000
""",
        "redis-requests redis-errors redis-latency redis-cpu redis-memory redis-clients",
    ),
    Exposition(
        "mysqld_exporter",
        """\
# TYPE mysql_global_status_commands_total counter
mysql_global_status_commands_total{command="select"} 90
mysql_global_status_commands_total{command="admin_commands"} 2
# TYPE mysql_global_status_connections untyped
mysql_global_status_connections 80
mysql_perf_schema_events_statements_seconds_total{digest="a"} 3
mysql_perf_schema_events_statements_total{digest="a"} 90
# TYPE mysql_global_status_threads_connected gauge
mysql_global_status_threads_connected 3
mysql_global_variables_max_connections 151
""",
        "mysql-requests mysql-latency mysql-connections",
    ),
    Exposition(
        "mysqld_exporter with statements",
        """\
mysql_perf_schema_events_statements_total{digest="a"} 90
mysql_perf_schema_events_statements_errors_total{digest="a"} 1
""",
        "mysql-statement-errors",
    ),
    Exposition(
        "Kafka",
        """\
# TYPE kafka_server_brokertopicmetrics_messagesin_total counter
kafka_server_brokertopicmetrics_messagesin_total 90
kafka_server_brokertopicmetrics_messagesin_total{topic="orders"} 90
kafka_server_brokertopicmetrics_failedproducerequests_total 1
kafka_server_brokertopicmetrics_totalproducerequests_total 40
kafka_network_requestmetrics_totaltimems_sum{request="Produce"} 900
kafka_network_requestmetrics_totaltimems_count{request="Produce"} 40
kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent 0.9
""",
        "kafka-requests kafka-errors kafka-latency kafka-handlers",
    ),
    Exposition(
        "Kafka by topic",
        'kafka_server_brokertopicmetrics_messagesin_total{topic="orders"} 90\n'
        'kafka_topic_partition_under_replicated_partition{topic="orders",partition="0"} 0\n',
        "kafka-requests-by-topic kafka-under-replicated",
    ),
    Exposition(
        "blackbox_exporter",
        """\
# TYPE probe_success gauge
probe_success 1
# TYPE probe_duration_seconds gauge
probe_duration_seconds 0.03
# TYPE probe_http_duration_seconds gauge
probe_http_duration_seconds{phase="connect"} 0.01
probe_http_duration_seconds{phase="processing"} 0.02
""",
        "blackbox-errors blackbox-http-latency",
    ),
    Exposition(
        "blackbox_exporter by ICMP",
        'probe_icmp_duration_seconds{phase="rtt"} 0.01\nprobe_success 1\n',
        "blackbox-icmp-latency",
    ),
    Exposition("blackbox_exporter by TCP", "probe_duration_seconds 0.01\n", "blackbox-latency"),
    Exposition(
        "windows_exporter",
        """\
# TYPE windows_cpu_time_total counter
windows_cpu_time_total{core="0,0",mode="idle"} 1000
windows_cpu_time_total{core="0,0",mode="user"} 10
windows_memory_available_bytes 2e+09
windows_memory_physical_free_bytes 1e+09
windows_memory_physical_total_bytes 8e+09
windows_net_packets_received_discarded_total{nic="a"} 1
windows_net_packets_received_total{nic="a"} 100
windows_logical_disk_idle_seconds_total{volume="C:"} 100
windows_iis_requests_total{site="shop",method="GET"} 8
windows_iis_worker_request_errors_total{app="shop",status_code="500"} 1
windows_iis_worker_requests_total{app="shop"} 8
""",
        "windows-cpu windows-memory windows-loss windows-disk windows-iis-requests windows-iis-errors",
    ),
    Exposition(
        "windows_exporter before 0.30",
        "windows_os_physical_memory_free_bytes 1\nwindows_cs_physical_memory_bytes 4\n",
        "windows-memory-before-0.30",
    ),
    Exposition(
        "cAdvisor with kube-state-metrics",
        """\
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="order",cpu="total",pod="order-1"} 100
container_cpu_usage_seconds_total{container="",cpu="total",pod="order-1"} 101
container_cpu_usage_seconds_total{container="POD",cpu="total",pod="order-1"} 1
container_memory_working_set_bytes{container="order",pod="order-1"} 1e+08
container_cpu_cfs_throttled_periods_total{container="order",pod="order-1"} 3
container_cpu_cfs_periods_total{container="order",pod="order-1"} 90
container_network_receive_packets_dropped_total{interface="eth0",pod="order-1"} 0
container_network_receive_packets_total{interface="eth0",pod="order-1"} 90
# TYPE kube_pod_container_resource_limits gauge
kube_pod_container_resource_limits{container="order",pod="order-1",resource="cpu",unit="core"} 2
kube_pod_container_resource_limits{container="order",pod="order-1",resource="memory",unit="byte"} 2e+08
""",
        "kube-cpu-of-limit kube-memory-of-limit cadvisor-throttled cadvisor-loss",
    ),
    Exposition(
        "cAdvisor with quotas",
        """\
container_cpu_usage_seconds_total{container="order"} 100
container_spec_cpu_quota{container="order"} 200000
container_memory_working_set_bytes{container="order"} 1e+08
container_spec_memory_limit_bytes{container="order"} 2e+08
""",
        "cadvisor-cpu-of-quota cadvisor-memory-of-limit",
    ),
    Exposition(
        "cAdvisor alone", 'container_cpu_usage_seconds_total{container="order"} 100\n', "cadvisor-cpu"
    ),
    Exposition(
        "Docker",
        """\
container_cpu_usage_seconds_total{id="/docker/1",name="order"} 100
container_spec_cpu_quota{id="/docker/1",name="order"} 200000
container_memory_working_set_bytes{id="/docker/1",name="order"} 1e+08
container_spec_memory_limit_bytes{id="/docker/1",name="order"} 2e+08
""",
        "docker-cpu-of-quota docker-memory-of-limit",
    ),
    Exposition(
        "Docker without quotas", 'container_cpu_usage_seconds_total{name="order"} 100\n', "docker-cpu"
    ),
    Exposition(
        "kube-state-metrics",
        """\
# TYPE kube_deployment_spec_replicas gauge
kube_deployment_spec_replicas{deployment="order"} 3
kube_deployment_status_replicas_unavailable{deployment="order"} 1
kube_horizontalpodautoscaler_status_current_replicas{horizontalpodautoscaler="order"} 3
kube_horizontalpodautoscaler_spec_max_replicas{horizontalpodautoscaler="order"} 10
""",
        "kube-unavailable kube-autoscaler",
    ),
]
