{{ metric_definitions() }}
